// A trade's story in a dialog: the server renders it, htmx puts it in.
import { byId } from "./dom.js";
import { bindTimes } from "./times.js";
import { app } from "./shell.js";

export function openStory(positionId) {
  const address = `${app.page.story_url}${positionId}/story/`;
  byId("story-link").href = address;
  byId("story-body").replaceChildren();
  byId("story-dialog").showModal();
  globalThis.htmx.ajax("GET", address, { target: "#story-body", swap: "innerHTML" }).then(() => bindTimes(byId("story-body")));
}

export function bindStory() {
  byId("story-close").addEventListener("click", () => byId("story-dialog").close());
  byId("story-body").addEventListener("htmx:responseError", () => {
    byId("story-body").textContent = "The story can't be loaded now. Try again in a moment.";
  });
}

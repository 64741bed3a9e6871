// What the product says back: toasts, messages where the user acted, confirmations before what can't be undone.
import { byId, clone, el, icon, part, text } from "./dom.js";

export function toast(message, { isBad = false } = {}) {
  const close = el("button", { className: "button is-quiet is-icon is-compact", type: "button", "aria-label": "Dismiss" }, icon("close"));
  const node = el("div", { className: `toast${isBad ? " is-bad" : ""}` }, icon(isBad ? "warning" : "check"), el("span", { text: message }), close);
  close.addEventListener("click", () => node.remove());
  byId("toasts").append(node);
  setTimeout(() => node.remove(), isBad ? 12_000 : 5_000);
}

/** The message line nearest to where the user acted; a toast where there is none. */
export function say(origin, message, { isBad = false } = {}) {
  const line = origin?.closest("[data-scope]")?.querySelector("[data-message]");
  if (!line) return message && toast(message, { isBad });
  line.hidden = !message;
  line.classList.toggle("loss", isBad);
  line.setAttribute("role", isBad ? "alert" : "status");
  text(line, message);
}

/** Run `work` for a button: busy meanwhile, trouble told beside it. Returns whether it went well. */
export async function act(button, work, { done = "" } = {}) {
  if (button.getAttribute("aria-busy") === "true") return false;
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  say(button, "");
  try {
    await work();
    if (done) toast(done);
    return true;
  } catch (problem) {
    if (!problem.detail && problem.name !== "Error" && problem.status === undefined) throw problem;
    say(button, problem.message, { isBad: true });
    return false;
  } finally {
    button.removeAttribute("aria-busy");
    button.disabled = button.dataset.blocked === "1";
  }
}

/** Ask before what can't be undone. Resolves true when confirmed. */
export function confirm({ title, detail, action }) {
  const dialog = clone("confirm-template");
  text(part(dialog, "title"), title);
  text(part(dialog, "detail"), detail);
  text(part(dialog, "confirm"), action);
  part(dialog, "confirm").classList.add("is-danger-solid");
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });
}

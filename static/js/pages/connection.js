// One connection: its test, line by line, and its end.
import { api } from "../api.js";
import { block, byId, el, text } from "../dom.js";
import { act, confirm } from "../feedback.js";
import { time, utc } from "../format.js";
import { logLines } from "../log-lines.js";
import { app, refresh } from "../shell.js";
import "./plain.js";

const id = app.page.connection;

function showTest(test) {
  if (!test) return;
  const when = byId("test-when");
  text(when, `${test.is_ok ? "✓ Passed" : "✕ Failed"} at ${time(test.created_at)}`);
  when.className = `small ${test.is_ok ? "gain" : "loss"}`;
  when.title = utc(test.created_at);
  byId("test-lines").replaceChildren(...logLines(test.lines));
}

async function runTest({ currentTarget: button }) {
  byId("test-lines").replaceChildren(el("li", {}, el("span"), el("span", { className: "muted", text: "Asking the exchange…" })));
  const went = await act(button, async () => {
    showTest(await api.post(`connections/${id}/test/`));
    await refresh();
  });
  if (!went) byId("test-lines").replaceChildren();
}

async function remove({ currentTarget: button }) {
  const isSure = await confirm({ title: "Delete this connection?", action: "Delete", detail: "Its keys are erased. This can't be undone." });
  if (isSure && await act(button, () => api.remove(`connections/${id}/`))) location.assign("/");
}

for (const [name, run] of [["run-test", runTest], ["delete", remove]]) {
  block(byId(name), Boolean(app.denial), app.denial);
  byId(name).addEventListener("click", run);
}
showTest(app.page.test);

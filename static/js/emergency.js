// The emergency stop: says what it will do, wants a word typed, then reports line by line.
import { api } from "./api.js";
import { byId, el, text } from "./dom.js";
import { logLines } from "./log-lines.js";
import { app, connections, refresh } from "./shell.js";

const WORD = "STOP";

function describe() {
  const armed = connections().filter((row) => row.is_live_armed || row.is_preset_armed).length;
  const all = connections().length;
  return `This acts on ${all === 1 ? "your connection" : `all ${all} of your connections`} (${armed} armed): it disarms them, cancels every open order, then does what you choose below.`;
}

function reportLines({ connections: reports }) {
  return reports.flatMap(({ connection, steps }) => [
    el("li", {}, el("span"), el("strong", { text: app.store.get("connection", connection)?.name ?? `Connection ${connection}` })),
    ...logLines(steps),
  ]);
}

export function emergencyStop() {
  const dialog = byId("emergency-dialog");
  dialog.querySelector("form").reset();
  byId("emergency-report").replaceChildren();
  byId("emergency-error").hidden = true;
  byId("emergency-form-part").hidden = false;
  text(byId("emergency-detail"), describe());
  byId("emergency-confirm").disabled = true;
  byId("emergency-confirm").hidden = false;
  text(byId("emergency-cancel"), "Cancel");
  dialog.showModal();
  byId("emergency-word").focus();
}

async function send(event) {
  event.preventDefault();
  const button = byId("emergency-confirm");
  if (byId("emergency-word").value.trim() !== WORD || button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  byId("emergency-error").hidden = true;
  try {
    const mode = new FormData(event.target).get("mode");
    const report = await api.trade("engines/emergency-stop/", { mode });
    byId("emergency-report").replaceChildren(...reportLines(report));
    byId("emergency-form-part").hidden = true;
    button.hidden = true;
    const isComplete = report.connections.every((row) => row.steps.every((step) => step.is_ok));
    text(byId("emergency-detail"), isComplete ? "Done. Engines are stopped, connections are disarmed." : "Not everything went well. Look at the lines below, then try again: repeating it is safe.");
    text(byId("emergency-cancel"), "Close");
    refresh();
  } catch (problem) {
    text(byId("emergency-error"), problem.message);
    byId("emergency-error").hidden = false;
    button.disabled = false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

export function bindEmergency() {
  const dialog = byId("emergency-dialog");
  dialog.querySelector("form").addEventListener("submit", send);
  byId("emergency-word").addEventListener("input", ({ target }) => (byId("emergency-confirm").disabled = target.value.trim() !== WORD));
  byId("emergency-cancel").addEventListener("click", () => dialog.close());
}

// What happened to an engine, in plain words: a title, and a sentence where there is more to say.
import { words } from "./format.js";

const TITLES = {
  started: "Start asked for", stopped: "Stop asked for", paused: "Pause asked for", resumed: "Resume asked for", restarted: "Restart asked for",
  starting: "Engine is starting", running: "Engine is running", stopping: "Engine is stopping",
  run_started: "Engine begins its work", run_ended: "Engine ended its work", run_failed: "Engine stumbled", run_lost: "Engine was lost",
  failed: "Engine gave up", halted: "All new orders are halted", halt_lifted: "New orders are allowed again", emergency_stop: "Emergency stop",
};
// Of the engine itself, the same words mean what it now is, not what was asked for.
const STATES = { stopped: "Engine is stopped", paused: "Engine is paused" };
const MACHINES = new Set(["engine", "system"]);
const ACTORS = { seed_demo: "the demo setup" };
const MODES = { flatten: "positions closed at market", protect: "positions kept with their stops" };

/** An error without the name of its class. */
export const plainError = (error) => String(error ?? "").replace(/^(?:[A-Z][a-z0-9]+){2,}: /, "");

const sentence = (line) => line && words(line).replace(/([^.!?])$/, "$1.");

function more(kind, detail) {
  const { error, failures, retry_in_s: wait, reason, mode, is_complete: isComplete } = detail;
  if (kind === "run_failed") return `${sentence(plainError(error))} ${failures > 1 ? `That was failure ${failures} in a row; it` : "It"} tries again in ${Math.round(wait)} s.`;
  if (kind === "failed") return `${sentence(plainError(error))} It does not try again by itself: see to the cause, then start it.`;
  if (kind === "run_lost") return "It ended without a word, and is started again by itself.";
  if (kind === "emergency_stop") return `${words(MODES[mode] ?? mode)}. ${isComplete ? "All of it went well." : "Not all of it went well."}`;
  return sentence(reason || plainError(error));
}

export function engineWords({ kind, actor, detail }) {
  const isMachine = MACHINES.has(actor);
  const title = (isMachine && STATES[kind]) || TITLES[kind] || words(kind);
  const by = actor && !isMachine ? `By ${ACTORS[actor] ?? actor}.` : "";
  return { title, detail: [more(kind, detail ?? {}), by].filter(Boolean).join(" ") };
}

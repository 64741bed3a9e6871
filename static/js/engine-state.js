// How an engine's state reads: a word, a mark and which verbs make sense now.
const MARKS = { running: "is-good", paused: "is-warn", starting: "is-busy", stopping: "is-busy", failed: "is-bad", stopped: "" };
const WORDS = { running: "Running", paused: "Paused", starting: "Starting", stopping: "Stopping", failed: "Failed", stopped: "Stopped" };

const WANTS = { running: "Starting", paused: "Pausing", stopped: "Stopping" };

/** Wanted and actual differ for a moment after every command: say what is on its way. */
export function stateOf(engine) {
  if (!engine) return { word: "Stopped", mark: "" };
  const { actual, desired } = engine;
  if (actual === "failed") return { word: WORDS.failed, mark: MARKS.failed };
  if (actual !== desired && ["running", "paused", "stopped"].includes(actual)) return { word: WANTS[desired], mark: "is-busy" };
  return { word: WORDS[actual] ?? actual, mark: MARKS[actual] ?? "" };
}

/** Why a verb can't be used now; empty when it can. */
export function refusal(verb, engine, connection) {
  const desired = engine?.desired ?? "stopped";
  if (verb === "start" && connection && !connection.is_enabled) return "The connection is disabled. Enable it in its settings.";
  if (verb === "start" && connection?.market === "spot") return "A spot account is watched; nothing is traded on it.";
  if (verb === "start" && desired === "running") return "Already started.";
  if (verb === "start" && desired === "paused") return "Paused: resume it instead.";
  if (verb === "pause" && desired !== "running") return "Only a running engine can be paused.";
  if (verb === "resume" && desired !== "paused") return "Only a paused engine can be resumed.";
  if (verb === "stop" && desired === "stopped") return "Already stopped.";
  if (verb === "restart" && desired !== "running") return "Only a running engine can be restarted.";
  return "";
}

export const VERB_DONE = {
  start: "Engine starting.", stop: "Engine stopping. Stops on the venue stay.",
  pause: "Engine paused: no new entries, exits go on.", resume: "Engine resumed.", restart: "Engine restarting.",
};

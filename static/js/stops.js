// How a position's stop stands, in a word. One that is watched here is only as good as the engine that watches it.
import { app } from "./shell.js";

const STOPS = {
  on_venue: { word: "on venue", tone: "" }, missing: { word: "! missing", tone: "loss", isBare: true },
  watched: { word: "watched here", tone: "warn" }, unwatched: { word: "! nobody watches", tone: "loss", isBare: true },
  waived: { word: "waived", tone: "warn" }, none: { word: "", tone: "" },
};

function isWatching(connectionId) {
  const engine = app.store.all("engine").find((row) => row.connection === connectionId);
  return ["running", "paused"].includes(engine?.actual);
}

export function stopOf(position) {
  const { stop_status: status, connection } = position;
  return STOPS[status === "watched" && !isWatching(connection) ? "unwatched" : status] ?? STOPS.none;
}

/** What stopping an engine means for so many positions whose stops it watches. */
export function unwatchedText(count) {
  const [what, kept] = count === 1 ? ["1 open position has", "Its stop is"] : [`${count} open positions have`, "Their stops are"];
  return `${what} no stop on the venue, which takes none. ${kept} watched by the engine alone: while it is stopped, nobody does.`;
}

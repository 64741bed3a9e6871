// Locks on entries: what enters nothing, until when and why, and the way to let it in again.
import { api } from "./api.js";
import { block, clone, keyed, part, text } from "./dom.js";
import { act, confirm } from "./feedback.js";
import { age, plainText, secondsSince, symbolText, time, utc } from "./format.js";
import { app, onSnapshot } from "./shell.js";

// Its rule looks at the day as it is, not at when the lock began.
const COMES_BACK = { daily_loss: " The day's loss still counts: unless its limit is raised too, the next signal pauses entries again." };

const STOPPED = "emergency";

const isInForce = (lock) => new Date(lock.until) > Date.now();
const what = ({ symbol }) => (symbol ? symbolText(symbol) : "every symbol");

async function lift(button, { id }) {
  const lock = app.store.get("entry_lock", id);
  const isSure = await confirm({
    title: `Let ${what(lock)} in again?`, action: "Lift the pause",
    detail: `Paused for: ${plainText(lock.reason)}. Once lifted, a running engine may enter at its next signal.${COMES_BACK[lock.reason_code] ?? ""}`,
  });
  if (!isSure) return;
  await act(button, async () => {
    app.store.apply("entry_lock", await api.post(`connections/${lock.connection}/locks/${lock.id}/lift/`));
  }, { done: "The pause is lifted." });
}

function create(lock) {
  const node = clone("lock-template");
  part(node, "lift").hidden = lock.id === STOPPED;
  part(node, "lift").addEventListener("click", ({ currentTarget }) => lift(currentTarget, lock));
  return node;
}

function update(node, lock) {
  text(part(node, "what"), `Entries paused on ${what(lock)}`);
  const isOpen = lock.id === STOPPED;
  text(part(node, "until"), isOpen ? "until armed again" : `until ${time(lock.until)}, ${age(-secondsSince(lock.until))} left`);
  part(node, "until").title = isOpen ? "" : utc(lock.until);
  text(part(node, "reason"), plainText(lock.reason));
  block(part(node, "lift"), Boolean(app.denial), app.denial);
}

// An emergency stop holds entries as a lock does; it ends by arming alone.
function emergencyLock(connectionId) {
  const at = app.store.get("connection", connectionId)?.entries_stopped_at;
  return at ? [{ id: STOPPED, symbol: "", reason: `Emergency stop at ${time(at)}: no entry, by an engine or by hand` }] : [];
}

/** The locks of a connection into `list`, which hides while there is none. Returns how many there are. */
export function renderLocks(list, connectionId) {
  const rows = app.store.all("entry_lock").filter((row) => row.connection === connectionId && isInForce(row));
  rows.sort((a, b) => a.symbol.localeCompare(b.symbol) || a.id - b.id);
  rows.unshift(...emergencyLock(connectionId));
  list.hidden = rows.length === 0;
  keyed(list, rows, { create, update });
  return rows.length;
}

/** Have the page know the locks of `connectionIds()`. */
export function loadLocks(connectionIds) {
  onSnapshot("entry locks", async ({ mark }) => {
    const rows = await Promise.all(connectionIds().map((id) => api.list(`connections/${id}/locks/`)));
    app.store.replace("entry_lock", rows.flat(), { mark });
  });
}

// Connection cards: state, money, arming, volume and every engine verb of one connection.
import { plainError } from "./activity-words.js";
import { api } from "./api.js";
import { block, byId, clone, el, figure, keyed, part, stale, text } from "./dom.js";
import { refusal, stateOf, VERB_DONE } from "./engine-state.js";
import { act, confirm, say } from "./feedback.js";
import { age, money, plainText, secondsSince, signClass, symbolText, time, utc, words } from "./format.js";
import { renderLocks } from "./locks.js";
import { logLines } from "./log-lines.js";
import { unrealized } from "./prices.js";
import { app, refresh } from "./shell.js";
import { unwatchedText } from "./stops.js";

const HEARTBEAT_OLD_S = 30;
const BALANCE_OLD_S = 180;
const DENIAL_SHOWN_S = 600;
const SHOWN = { stopped: ["start"], running: ["pause", "stop", "restart"], paused: ["resume", "stop"] };

export const engineOf = (connection) => app.store.all("engine").find((row) => row.connection === connection.id);

export function openPositions(connectionId) {
  return app.store.all("position").filter((row) => row.status !== "closed" && (!connectionId || row.connection === connectionId));
}

/** The settle balance of a connection: USDT where there is one, else its largest. */
export function settleBalance(connectionId) {
  const rows = app.store.all("balance").filter((row) => row.connection === connectionId);
  return rows.find((row) => row.asset === "USDT") ?? rows.sort((a, b) => Number(b.equity) - Number(a.equity))[0];
}

/** Open P&L of a connection at the newest prices; null while one of them is unknown. */
export function unrealizedOf(connection) {
  let sum = 0;
  for (const position of openPositions(connection.id)) {
    const value = unrealized(position, app.prices.get(connection, position.symbol));
    if (value === null) return null;
    sum += value;
  }
  return sum;
}

function renderMoney(card, connection) {
  const balance = settleBalance(connection.id);
  if (balance) {
    const isOld = secondsSince(balance.at) > BALANCE_OLD_S;
    for (const name of ["equity", "available"]) {
      text(part(card, `${name}Name`), `${words(name)} ${balance.asset}`);
      text(part(card, name), money(balance[name]));
      part(card, name).classList.add("num");
      stale(part(card, name), isOld, utc(balance.at));
    }
  }
  const open = openPositions(connection.id);
  const value = unrealizedOf(connection);
  figure(part(card, "unrealized"), money(value, { isSigned: true }), { tone: signClass(value) });
  text(part(card, "positions"), app.store.has("position") ? open.length : "–");
}

function renderHeartbeat(card, engine) {
  const node = part(card, "heartbeat");
  const isWanted = engine && engine.actual !== "stopped" && engine.heartbeat_at;
  const seconds = isWanted ? secondsSince(engine.heartbeat_at) : 0;
  text(node, isWanted ? `${age(seconds)} ago` : "–");
  node.title = isWanted ? utc(engine.heartbeat_at) : "The engine is not running";
  node.classList.toggle("warn", seconds > HEARTBEAT_OLD_S);
}

function renderProblem(card, connection, engine) {
  const node = part(card, "problem");
  const isOurs = engine?.last_error && engine.actual === "failed";
  const isVenues = connection.last_error && (!connection.last_seen_at || connection.last_error_at > connection.last_seen_at);
  const message = isOurs ? `Engine: ${plainError(engine.last_error)}` : isVenues ? plainError(connection.last_error) : "";
  const retry = isOurs && engine.retry_at ? ` Next try at ${time(engine.retry_at)}.` : "";
  node.hidden = !message;
  node.classList.add("loss");
  text(node, message && message.replace(/([^.!?])$/, "$1.") + retry);
}

function newestOrder(connectionId) {
  let newest;
  for (const row of app.store.all("order")) if (row.connection === connectionId && row.id > (newest?.id ?? 0)) newest = row;
  return newest;
}

// Always there, so that a refusal changes words and moves nothing.
function renderLastOrder(card, connection) {
  const node = part(card, "order");
  const order = newestOrder(connection.id);
  const isDenied = order?.status === "denied" && !order.is_reduce_only && secondsSince(order.created_at) < DENIAL_SHOWN_S;
  const what = order && `${order.purpose} ${order.position_side} ${symbolText(order.symbol)}, ${words(order.status).toLowerCase()}`;
  text(node, isDenied ? `Last entry denied: ${plainText(order.reason) || words(order.reason_code)}` : order ? `Last order: ${what}` : app.store.has("order") ? "No order yet" : "");
  node.classList.toggle("warn", isDenied);
  node.classList.toggle("muted", !isDenied);
  node.title = isDenied ? `${plainText(order.reason)} (${symbolText(order.symbol)}, ${utc(order.created_at)})` : "";
}

function armRefusal(connection) {
  if (app.denial) return app.denial;
  if (connection.is_live_armed) return "";
  if (!connection.is_enabled || !connection.is_active) return "Enable the connection first.";
  if (connection.market === "spot") return "A spot account is watched; nothing is traded on it.";
  return connection.is_test_passed ? "" : "Test the connection first: arming needs a passed test.";
}

function renderControls(card, connection, engine) {
  const arm = part(card, "arm");
  arm.setAttribute("aria-checked", String(connection.is_live_armed));
  text(part(card, "armText"), connection.is_live_armed ? "Armed" : "Not armed");
  const reason = armRefusal(connection);
  block(arm, Boolean(reason), reason);
  if (!reason) arm.title = connection.is_live_armed ? "The engine may send orders" : "The engine watches, but sends no orders";
  const factor = Number(connection.volume_factor_live);
  text(part(card, "factor"), `${factor.toFixed(1)}×`);
  block(part(card, "less"), Boolean(app.denial) || factor <= 0.1, app.denial || "The least is 0.1.");
  block(part(card, "more"), Boolean(app.denial) || factor >= 10, app.denial || "The most is 10.");
  block(part(card, "run"), Boolean(app.denial), app.denial);
  for (const button of card.querySelectorAll("[data-verb]")) {
    const { verb } = button.dataset;
    const why = app.denial || refusal(verb, engine, connection);
    button.hidden = !SHOWN[engine?.desired ?? "stopped"].includes(verb);
    block(button, Boolean(why), why);
  }
}

const venueOf = (connection) => app.page.venues[connection.exchange]?.[connection.market];

// Where a stop is kept is what an owner must know without asking; the rest unfolds.
function renderOffers(card, connection) {
  const venue = venueOf(connection);
  const summary = part(card, "stops");
  summary.parentElement.hidden = !venue;
  if (!venue) return;
  text(summary, venue.has_stops ? "Stops on the venue" : "Stops watched here, not on the venue");
  summary.classList.toggle("warn", !venue.has_stops);
  const list = part(card, "offers");
  if (list.childElementCount) return;
  list.append(...venue.offers.map(([isHad, said]) => el("li", { className: isHad ? "" : "is-lacking" }, el("span", { className: "tick", text: isHad ? "✓" : "–" }), el("span", { text: said }))));
}

function renderCard(card, connection) {
  const engine = engineOf(connection);
  const { word, mark } = connection.is_enabled ? stateOf(engine) : { word: "Disabled", mark: "" };
  text(part(card, "name"), connection.name);
  part(card, "name").href = `${app.page.live_url}${connection.id}/`;
  text(part(card, "venue"), `${venueOf(connection)?.label ?? words(connection.exchange)} · ${words(connection.market)} · ${connection.leverage}×`);
  part(card, "community").hidden = !venueOf(connection)?.is_community;
  part(card, "environment").className = `tag is-${connection.environment}`;
  text(part(card, "environment"), connection.environment);
  part(card, "mark").className = `mark ${mark}`;
  text(part(card, "state"), word);
  const test = part(card, "test");
  text(test, connection.last_test_at ? (connection.is_test_passed ? "✓ passed" : "✕ failed") : "never");
  test.className = connection.last_test_at ? (connection.is_test_passed ? "gain" : "loss") : "muted";
  test.title = connection.last_test_at ? utc(connection.last_test_at) : "";
  part(card, "settings").href = `${app.page.connection_url}${connection.id}/`;
  renderMoney(card, connection);
  renderHeartbeat(card, engine);
  renderLastOrder(card, connection);
  renderProblem(card, connection, engine);
  renderLocks(part(card, "locks"), connection.id);
  renderOffers(card, connection);
  renderControls(card, connection, engine);
}

async function runTest(card, id) {
  const log = part(card, "log");
  log.hidden = false;
  part(card, "lines").replaceChildren(el("li", {}, el("span"), el("span", { className: "muted", text: "Testing…" })));
  const went = await act(part(card, "run"), async () => {
    const test = await api.post(`connections/${id}/test/`);
    part(card, "lines").replaceChildren(...logLines(test.lines));
    await refresh();
  });
  if (!went) log.hidden = true;
}

async function arm(card, id) {
  const isArmed = app.store.get("connection", id).is_live_armed;
  const connection = app.store.get("connection", id);
  if (!isArmed && connection.environment === "live") {
    const isSure = await confirm({ title: `Arm ${connection.name}?`, action: "Arm", detail: "From now on the engine may send orders with real money on this account." });
    if (!isSure) return;
  }
  await act(part(card, "arm"), async () => {
    app.store.apply("connection", await api.post(`connections/${id}/${isArmed ? "disarm" : "arm"}/`, { origin: "live" }));
  });
}

async function changeVolume(card, id, button, step) {
  const factor = Number(app.store.get("connection", id).volume_factor_live) + step;
  await act(button, async () => {
    app.store.apply("connection", await api.post(`connections/${id}/volume/`, { volume_factor_live: factor.toFixed(1) }));
  });
}

async function engineVerb(card, id, button) {
  const { verb } = button.dataset;
  say(button, "");
  const left = verb === "stop" ? openPositions(id).filter((row) => row.stop_status === "watched").length : 0;
  if (left && !(await confirm({ title: "Stop the engine?", action: "Stop", detail: unwatchedText(left) }))) return;
  await act(button, async () => app.store.apply("engine", await api.trade(`engines/${id}/${verb}/`)), { done: VERB_DONE[verb] });
}

function createCard({ id }) {
  const card = clone("card-template");
  part(card, "arm").addEventListener("click", () => arm(card, id));
  part(card, "run").addEventListener("click", () => runTest(card, id));
  part(card, "less").addEventListener("click", (event) => changeVolume(card, id, event.currentTarget, -0.1));
  part(card, "more").addEventListener("click", (event) => changeVolume(card, id, event.currentTarget, 0.1));
  for (const button of card.querySelectorAll("[data-verb]")) button.addEventListener("click", () => engineVerb(card, id, button));
  return card;
}

export function renderCards(rows) {
  const container = byId("cards");
  container.querySelector("[data-skeleton]")?.remove();
  keyed(container, rows, { create: createCard, update: renderCard });
}

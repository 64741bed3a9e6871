// Tables of positions, orders and fills, one row kept per id; P&L follows the newest price.
import { api } from "./api.js";
import { block, byId, clone, figure, keyed, part, setTime, stale, text } from "./dom.js";
import { act, confirm } from "./feedback.js";
import { age, decimalsOf, money, NOTHING, percent, plainText, price, quantity, secondsSince, signClass, symbolText, time, utc, words } from "./format.js";
import { isOld, shownPrice, unrealized } from "./prices.js";
import { app } from "./shell.js";
import { stopOf } from "./stops.js";
import { openStory } from "./story.js";

const FINAL = new Set(["denied", "filled", "rejected", "canceled", "expired"]);

export const isFinal = (order) => FINAL.has(order.status);
const connectionOf = (row) => app.store.get("connection", row.connection);
const tickerOf = (row) => (connectionOf(row) ? app.prices.get(connectionOf(row), row.symbol) : undefined);

function show(name, rows, isLoaded) {
  byId(`${name}-skeleton`).hidden = isLoaded;
  byId(`${name}-empty`).hidden = !isLoaded || rows.length > 0;
  const table = byId(`${name}-rows`).closest("table");
  table.hidden = rows.length === 0;
  const count = byId(`${name}-count`);
  if (count) text(count, isLoaded && rows.length ? rows.length : "");
}

function side(node, value) {
  node.className = `side is-${value}`;
  text(node, value);
}

function renderPnl(row, position, ticker) {
  const value = unrealized(position, ticker);
  const cost = Number(position.average_entry_price) * Number(position.quantity);
  figure(part(row, "pnl"), money(value, { isSigned: true }), { tone: signClass(value) });
  text(part(row, "pnlRatio"), value === null || !cost ? "" : percent(value / cost));
  for (const name of ["pnl", "price"]) stale(part(row, name), isOld(ticker), ticker ? utc(ticker.at_ms) : "this page opened");
}

function renderPosition(row, position) {
  const ticker = tickerOf(position);
  const decimals = ticker?.decimals ?? decimalsOf(position.average_entry_price ?? "");
  text(part(row, "symbol"), symbolText(position.symbol));
  text(part(row, "where"), app.page.connection ? "" : connectionOf(position)?.name ?? "");
  side(part(row, "side"), position.side);
  text(part(row, "status"), position.status === "open" ? "" : words(position.status));
  text(part(row, "quantity"), quantity(position.quantity));
  text(part(row, "entry"), price(position.average_entry_price, Math.min(decimals, 8)));
  text(part(row, "price"), price(shownPrice(ticker), ticker?.decimals));
  renderPnl(row, position, ticker);
  const stop = stopOf(position);
  text(part(row, "stop"), price(position.stop_price, decimals));
  text(part(row, "stopStatus"), stop.word);
  part(row, "stopStatus").className = `sub ${stop.tone}`;
  part(row, "stopStatus").title = position.uncovered_since ? `Not on the venue since ${utc(position.uncovered_since)}` : "";
  text(part(row, "target"), price(position.target_price, decimals));
  text(part(row, "age"), position.opened_at ? age(secondsSince(position.opened_at)) : NOTHING);
  part(row, "age").title = utc(position.opened_at);
  const why = app.denial || (position.status === "closing" ? "It is closing." : position.status === "opening" ? "It is still opening." : "");
  block(part(row, "close"), Boolean(why), why);
}

async function closePosition(button, id) {
  const position = app.store.get("position", id);
  const isSure = await confirm({
    title: `Close ${position.side} ${symbolText(position.symbol)}?`, action: "Close position",
    detail: `${position.side === "long" ? "Sells" : "Buys back"} ${quantity(position.quantity)} at market and removes the stop.`,
  });
  if (isSure) await act(button, () => api.trade(`positions/${id}/close/`), { done: "Closing order sent." });
}

function createPosition({ id }) {
  const row = clone("position-template");
  part(row, "close").addEventListener("click", (event) => closePosition(event.currentTarget, id));
  part(row, "story").addEventListener("click", () => openStory(id));
  return row;
}

export function renderPositions(rows) {
  show("positions", rows, app.store.has("position"));
  keyed(byId("positions-rows"), rows, { create: createPosition, update: renderPosition });
}

const PRICE_WORDS = { market: () => "market", limit: (order, decimals) => price(order.price, decimals) };

// Exits, stops and targets only ever reduce; of a manual order it is worth saying.
function purposeText({ purpose, position_side: side, is_reduce_only: isReducing }) {
  return `${words(purpose)} of ${side}${purpose === "manual" && isReducing ? ", reduces only" : ""}`;
}

function orderPrice(order, decimals) {
  if (order.average_price && Number(order.filled_quantity) > 0) return price(order.average_price, decimals);
  if (order.trigger_price) return `at ${price(order.trigger_price, decimals)}`;
  return (PRICE_WORDS[order.order_type] ?? PRICE_WORDS.market)(order, decimals);
}

function renderOrder(row, order) {
  const decimals = tickerOf(order)?.decimals;
  setTime(part(row, "time"), order.created_at, time);
  text(part(row, "symbol"), symbolText(order.symbol));
  side(part(row, "side"), order.side);
  text(part(row, "purpose"), purposeText(order));
  text(part(row, "type"), words(order.order_type));
  const filled = Number(order.filled_quantity) > 0 && !isFinal(order) ? `${quantity(order.filled_quantity)} / ` : "";
  text(part(row, "quantity"), filled + quantity(order.quantity));
  text(part(row, "price"), orderPrice(order, decimals));
  text(part(row, "status"), words(order.status));
  part(row, "status").className = ["denied", "rejected"].includes(order.status) ? "loss" : order.status === "unknown" ? "warn" : "";
  text(part(row, "reason"), plainText(order.reason));
  const cancel = part(row, "cancel");
  cancel.hidden = isFinal(order);
  block(cancel, Boolean(app.denial), app.denial);
}

function createOrder({ id }) {
  const row = clone("order-template");
  part(row, "cancel").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    const order = app.store.get("order", id);
    if (order.purpose === "stop") {
      const isSure = await confirm({ title: "Cancel this stop?", action: "Cancel the stop", detail: "The position behind it loses its protection on the venue until the engine places a new one." });
      if (!isSure) return;
    }
    await act(button, async () => app.store.apply("order", await api.trade(`orders/${id}/cancel/`)), { done: "Cancel sent." });
  });
  return row;
}

export function renderOrders(rows) {
  show("orders", rows, app.store.has("order"));
  keyed(byId("orders-rows"), rows, { create: createOrder, update: renderOrder });
}

function renderFill(row, fill) {
  setTime(part(row, "time"), fill.executed_at, time);
  text(part(row, "symbol"), symbolText(fill.symbol));
  text(part(row, "where"), connectionOf(fill)?.name ?? "");
  side(part(row, "side"), fill.side);
  text(part(row, "purpose"), purposeText(fill));
  text(part(row, "quantity"), quantity(fill.quantity));
  text(part(row, "price"), price(fill.price, tickerOf(fill)?.decimals));
  figure(part(row, "fee"), money(fill.fee), { unit: fill.fee_asset });
}

export function renderFills(rows) {
  show("fills", rows, app.store.has("fill"));
  keyed(byId("fills-rows"), rows, { create: () => clone("fill-template"), update: renderFill });
}

export const newestFirst = (field) => (a, b) => (a[field] < b[field] ? 1 : a[field] > b[field] ? -1 : b.id - a.id);

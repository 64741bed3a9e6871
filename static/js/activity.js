// What happened on one connection, newest first: its engine, its orders with their refusals, fills and closed positions.
import { engineWords } from "./activity-words.js";
import { byId, el, icon, keyed, part, setIcon, setTime, text } from "./dom.js";
import { money, plainText, price, quantity, symbolText, time, words } from "./format.js";
import { app } from "./shell.js";

const KEPT = 80;
const REFUSED = new Set(["denied", "rejected"]);
const LOUD = /fail|error|lost|emergency|denied|stale|halted/;

function engineItem(row) {
  const isLoud = LOUD.test(row.kind);
  return { key: `engine-${row.id}`, at: row.created_at, icon: isLoud ? "warning" : "info", tone: isLoud ? "is-bad" : "", ...engineWords(row) };
}

function orderItem(row) {
  const isRefused = REFUSED.has(row.status);
  const tone = isRefused ? "is-bad" : row.status === "unknown" ? "is-warn" : "";
  const what = `${words(row.purpose)} ${row.position_side} ${symbolText(row.symbol)}`;
  return { key: `order-${row.id}`, at: row.updated_at, icon: tone ? "warning" : "live", tone, title: `${what}: ${words(row.status).toLowerCase()}`, detail: plainText(row.reason) || `${words(row.order_type)} ${row.side} ${quantity(row.quantity)}` };
}

function fillItem(row) {
  return { key: `fill-${row.id}`, at: row.executed_at, icon: "check", tone: "is-good", title: `Filled ${row.side} ${quantity(row.quantity)} ${symbolText(row.symbol)}`, detail: `at ${price(row.price)}, fee ${money(row.fee)} ${row.fee_asset}` };
}

function closeItem(row) {
  const isGain = Number(row.net_pnl) >= 0;
  return { key: `position-${row.id}`, at: row.closed_at, icon: isGain ? "plus" : "minus", tone: isGain ? "is-good" : "is-bad", title: `Closed ${row.side} ${symbolText(row.symbol)}: ${money(row.net_pnl, { isSigned: true })} USDT`, detail: row.exit_reason ? `by ${words(row.exit_reason).toLowerCase()}, after fees` : "after fees" };
}

export function activityItems(connectionId) {
  const mine = (entity) => app.store.all(entity).filter((row) => row.connection === connectionId);
  return [
    ...mine("engine_event").map(engineItem),
    ...mine("order").map(orderItem),
    ...mine("fill").map(fillItem),
    ...mine("position").filter((row) => row.status === "closed").map(closeItem),
  ].filter((item) => item.at).sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, KEPT);
}

function createItem() {
  return el("li", {}, icon("info"), el("span", { "data-part": "title" }), el("time", { className: "num", "data-part": "at" }), el("span", { className: "detail", "data-part": "detail" }));
}

export function renderActivity(connectionId) {
  const feed = byId("feed");
  const items = activityItems(connectionId);
  feed.querySelector(".skeleton")?.remove();
  if (items.length === 0 && !feed.querySelector(".empty")) feed.append(el("li", { className: "empty" }, el("span", { text: "Quiet so far. Starts, orders, refusals and fills appear here." })));
  if (items.length > 0) feed.querySelector(".empty")?.remove();
  keyed(feed, items, {
    key: (item) => item.key,
    create: createItem,
    update(node, item) {
      node.className = item.tone;
      setIcon(node.querySelector(".icon"), item.icon);
      text(part(node, "title"), item.title);
      text(part(node, "detail"), item.detail);
      setTime(part(node, "at"), item.at, time);
    },
  });
}

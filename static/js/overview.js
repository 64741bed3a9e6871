// Dashboard totals, the system panel and the three first steps.
import { byId, el, keyed, part, stale, text, tile } from "./dom.js";
import { engineOf, openPositions, settleBalance, unrealizedOf } from "./cards.js";
import { money, plural, secondsSince, signClass, time, utc } from "./format.js";
import { partDetail, partName, partRemedy } from "./health-words.js";
import { app, troubleOf } from "./shell.js";
import { stopOf } from "./stops.js";

const BALANCE_OLD_S = 180;

function renderEquity(connections) {
  const balances = connections.map((row) => settleBalance(row.id)).filter(Boolean);
  if (balances.length === 0) return tile("equity", "–", "No balance read yet");
  const equity = balances.reduce((sum, row) => sum + Number(row.equity), 0);
  const oldest = balances.map((row) => row.at).sort()[0];
  const isOld = secondsSince(oldest) > BALANCE_OLD_S;
  const node = tile("equity", money(equity), isOld ? `Oldest balance from ${time(oldest)}` : plural(balances.length, "account"), { unit: balances[0].asset });
  stale(part(node, "value"), isOld, utc(oldest));
  return node;
}

function renderUnrealized(connections) {
  const values = connections.map(unrealizedOf);
  const isKnown = !values.includes(null);
  const value = isKnown ? values.reduce((sum, each) => sum + each, 0) : null;
  tile("unrealized", money(value, { isSigned: true }), isKnown ? "At the newest price" : "Waiting for a price", { unit: "USDT", tone: signClass(value) });
}

function closedToday(ids) {
  const midnight = new Date().setUTCHours(0, 0, 0, 0);
  return app.store.all("position").filter((row) => row.status === "closed" && ids.has(row.connection) && new Date(row.closed_at) >= midnight);
}

function renderRealized(ids) {
  const rows = closedToday(ids);
  const value = rows.reduce((sum, row) => sum + Number(row.net_pnl), 0);
  const wins = rows.filter((row) => Number(row.net_pnl) > 0).length;
  const note = rows.length ? `${plural(rows.length, "trade")} closed, ${wins} won, after fees` : "No trade closed since 00:00 UTC";
  tile("realized", money(value, { isSigned: true }), note, { unit: "USDT", tone: signClass(value) });
}

function renderOpen(connections) {
  const rows = connections.flatMap((row) => openPositions(row.id));
  const notional = rows.reduce((sum, row) => sum + Number(row.quantity) * Number(row.average_entry_price ?? 0), 0);
  const longs = rows.filter((row) => row.side === "long").length;
  const bare = rows.filter((row) => stopOf(row).isBare).length;
  const waived = rows.filter((row) => row.stop_status === "waived").length;
  const kept = waived ? `, ${waived} without a stop by choice` : "";
  const note = rows.length ? `${longs} long, ${rows.length - longs} short, ${money(notional)} USDT${kept}` : "Flat";
  const node = tile("positions", String(rows.length), bare ? `! ${bare} without a stop` : note);
  part(node, "note").classList.toggle("loss", bare > 0);
}

export function renderTiles(connections) {
  if (!app.store.has("position") || !app.store.has("balance")) return;
  renderEquity(connections);
  renderUnrealized(connections);
  renderRealized(new Set(connections.map((row) => row.id)));
  renderOpen(connections);
}

/** Equity over the last day, drawn only from snapshots that exist. */
export function renderSparkline(points) {
  const svg = part(byId("tile-equity"), "line");
  svg.toggleAttribute("hidden", points.length < 2);
  if (points.length < 2) return;
  const values = points.map(({ equity }) => Number(equity));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const place = (value, index) => `${(index / (values.length - 1)) * 96},${high === low ? 16 : 31 - ((value - low) / (high - low)) * 30}`;
  svg.firstElementChild.setAttribute("points", values.map(place).join(" "));
}

function createPart() {
  return el("li", {}, el("span", { className: "mark", "data-part": "mark" }), el("span", { "data-part": "name" }), el("span", { className: "muted small num", "data-part": "status" }), el("span", { className: "advice", "data-part": "advice" }));
}

export function renderHealth() {
  const { health } = app;
  const problem = troubleOf("health");
  const isOk = health?.status === "ok";
  byId("overview-mark").className = `mark ${problem || (health && !isOk) ? "is-bad" : isOk ? "is-good" : ""}`;
  text(byId("overview-text"), problem ? "Not known" : !health ? "Checking" : isOk ? "All parts healthy" : "Needs attention");
  if (!health) return;
  byId("health-parts").querySelector(".skeleton")?.remove();
  keyed(byId("health-parts"), health.checks, {
    key: (row) => row.name,
    create: createPart,
    update(node, row) {
      part(node, "mark").className = `mark ${row.is_ok ? "is-good" : "is-bad"}`;
      text(part(node, "name"), partName(row.name));
      text(part(node, "status"), row.is_ok ? "OK" : "Trouble");
      text(part(node, "advice"), [partDetail(row), partRemedy(row)].filter(Boolean).join(" "));
    },
  });
}

export function renderFirstRun(connections) {
  const armed = connections.find((row) => row.is_live_armed);
  const done = {
    connect: connections.length > 0,
    test: Boolean(armed),
    start: connections.some((row) => engineOf(row)?.started_at || engineOf(row)?.desired === "running"),
  };
  byId("first-run").hidden = done.start;
  const next = Object.keys(done).find((step) => !done[step]);
  for (const node of document.querySelectorAll("[data-step]")) {
    const { step } = node.dataset;
    node.classList.toggle("is-done", done[step]);
    node.classList.toggle("is-next", step === next);
    const button = node.querySelector(".button");
    if (button) button.hidden = done[step];
  }
}

// One portfolio: equity, what is held against what, how near its limits are, and how it did.
import { api } from "../api.js";
import { onTheme } from "../chart-theme.js";
import { byId, clone, figure, keyed, part, stale, text, tile } from "../dom.js";
import { EquityChart } from "../equity-chart.js";
import { money, NOTHING, percent, plural, secondsSince, signClass, symbolText, utc } from "../format.js";
import { LIMIT_NAMES, share, shown } from "../limit-words.js";
import { app, onSnapshot, troubleOf } from "../shell.js";
import "./plain.js";

const id = app.page.portfolio;
const STANDING_MS = 5000;
const REST_MS = 60_000;
const OLD_S = 20;
const view = { chart: null, hours: 24, readAt: 0 };

function renderTiles(now) {
  tile("equity", money(now.equity), now.equity === null ? "The balance of a connection isn't known" : plural(now.allocation.length, "account"), { unit: "USDT" });
  tile("today", money(now.day_pnl, { isSigned: true }), `${money(now.open_pnl, { isSigned: true })} of it open`, { unit: "USDT", tone: signClass(now.day_pnl) });
  tile("held", money(now.notional), plural(now.positions, "position"), { unit: "USDT" });
  tile("drawdown", percent(now.drawdown_ratio, { isSigned: false }), "Since its connections last changed");
}

function renderMeter(node, { name, value, ratio, note }) {
  text(part(node, "name"), name);
  text(part(node, "value"), value);
  part(node, "meter").value = Math.min(1, ratio ?? 0);
  part(node, "meter").textContent = percent(ratio, { isSigned: false });
  part(node, "meter").classList.toggle("is-full", ratio >= 1);
  part(node, "meter").title = percent(ratio, { isSigned: false });
  text(part(node, "note"), note);
}

function renderMeters(list, rows) {
  byId(list).querySelector(".skeleton")?.remove();
  byId(list).hidden = rows.length === 0;
  byId(`${list}-empty`).hidden = rows.length > 0;
  keyed(byId(list), rows, { create: () => clone("meter-template"), update: renderMeter });
}

const limitMeter = (row) => ({
  id: row.limit, name: LIMIT_NAMES[row.limit], ratio: share(row), note: row.used === null ? "Not known" : `${percent(share(row), { isSigned: false, digits: 0 })} used`,
  value: `${shown(row.limit, row.used)} of ${shown(row.limit, row.allowed)}`,
});

const accountMeter = (row) => ({
  id: row.connection, name: row.name, ratio: row.share_ratio, value: `${money(row.equity)} USDT`,
  note: `${percent(row.share_ratio, { isSigned: false, digits: 1 })} of equity, ${plural(row.positions, "position")} worth ${money(row.notional)}`,
});

function renderExposure(node, row) {
  text(part(node, "symbol"), symbolText(row.symbol));
  for (const name of ["long", "short"]) text(part(node, name), Number(row[name]) ? money(row[name]) : NOTHING);
  text(part(node, "net"), money(row.net, { isSigned: true }));
  text(part(node, "ratio"), percent(row.net_ratio));
}

function table(name, rows, options) {
  byId(`${name}-skeleton`).hidden = true;
  byId(`${name}-rows`).closest("table").hidden = rows.length === 0;
  const empty = byId(`${name}-empty`);
  if (empty) empty.hidden = rows.length > 0;
  keyed(byId(`${name}-rows`), rows, options);
}

const span = (hours) => (hours < 72 ? `${hours} h` : `${hours / 24} d`);

function renderWindow(node, row) {
  text(part(node, "span"), span(row.hours));
  text(part(node, "trades"), row.trades);
  text(part(node, "won"), row.trades ? percent(row.win_rate, { isSigned: false, digits: 0 }) : NOTHING);
  text(part(node, "factor"), row.profit_factor === null ? NOTHING : row.profit_factor.toFixed(2));
  figure(part(node, "net"), row.trades ? money(row.net_pnl, { isSigned: true }) : NOTHING, { tone: signClass(row.net_pnl) });
  text(part(node, "fees"), row.trades ? money(row.fees) : NOTHING);
  text(part(node, "funding"), row.trades ? money(row.funding, { isSigned: true }) : NOTHING);
  figure(part(node, "change"), money(row.equity_change, { isSigned: true }), { tone: signClass(row.equity_change) });
  text(part(node, "fall"), percent(row.drawdown_ratio, { isSigned: false }));
}

function renderStanding(now) {
  renderTiles(now);
  renderMeters("limits", now.usage.map(limitMeter));
  renderMeters("allocation", now.allocation.map(accountMeter));
  table("exposure", now.exposure, { key: ({ symbol }) => symbol, create: () => clone("exposure-template"), update: renderExposure });
}

async function loadStanding() {
  const now = await api.get(`portfolios/${id}/standing/`);
  view.readAt = Date.now();
  renderStanding(now);
}

async function loadCurve() {
  const points = (await api.get(`portfolios/${id}/equity/`, { hours: view.hours })).results;
  byId("curve").hidden = points.length < 2;
  byId("curve-empty").hidden = points.length >= 2;
  if (points.length < 2) return;
  view.chart ??= await EquityChart.create(byId("curve"));
  view.chart.draw(points);
}

async function loadStatistics() {
  const { results } = await api.get(`portfolios/${id}/statistics/`);
  table("statistics", results, { key: ({ hours }) => hours, create: () => clone("window-template"), update: renderWindow });
}

function renderAge() {
  const isOld = view.readAt > 0 && secondsSince(view.readAt) > OLD_S;
  for (const name of ["equity", "today", "held", "drawdown"]) stale(part(byId(`tile-${name}`), "value"), isOld, utc(view.readAt));
}

function renderTrouble() {
  const notice = byId("trouble-notice");
  const told = troubleOf("portfolio");
  notice.hidden = !told;
  text(notice.querySelector("span"), `What you see may be old: ${told ?? ""}`);
}

function every(ms, load) {
  setInterval(() => document.visibilityState === "visible" && load().catch(() => {}), ms);
}

byId("spans").addEventListener("click", ({ target }) => {
  const hours = Number(target.dataset.hours);
  if (!hours) return;
  view.hours = hours;
  for (const button of byId("spans").children) button.setAttribute("aria-pressed", String(button === target));
  loadCurve().catch(() => {});
});
onSnapshot("portfolio", () => Promise.all([loadStanding(), loadCurve(), loadStatistics()]));
every(STANDING_MS, loadStanding);
every(REST_MS, () => Promise.all([loadCurve(), loadStatistics()]));
app.store.on("clock", renderAge);
app.store.on("trouble", renderTrouble);
onTheme(() => view.chart?.paint());

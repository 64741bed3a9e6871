// Live trading: one connection, one symbol on the chart, all of its positions, orders and doings.
import { renderActivity } from "../activity.js";
import { api } from "../api.js";
import { onTheme } from "../chart-theme.js";
import { Chart } from "../chart.js";
import { block, byId, el, part, stale, text } from "../dom.js";
import { bindEmergency } from "../emergency.js";
import { stateOf } from "../engine-state.js";
import { act, confirm } from "../feedback.js";
import { compact, decimalsOf, percent, price, signClass, symbolText, utc } from "../format.js";
import { loadLocks, renderLocks } from "../locks.js";
import { isOld, shownPrice, unrealized } from "../prices.js";
import { addTopics, app, onSnapshot, start } from "../shell.js";
import { bindStory } from "../story.js";
import { isFinal, newestFirst, renderOrders, renderPositions } from "../tables.js";
import { bindTopbar } from "../topbar.js";

const TIMEFRAMES = [[60, "1m"], [300, "5m"], [900, "15m"], [3600, "1h"], [14_400, "4h"], [86_400, "1d"]];
const BARS = 300;
const CORRECT_EVERY_MS = 30_000;
const { connection: id } = app.page;
const view = { symbol: app.page.symbol, timeframe: Number(sessionStorage.getItem("cts-timeframe")) || 60, chart: null, drawnFor: "" };

const connection = () => app.store.get("connection", id);
const mine = (entity) => app.store.all(entity).filter((row) => row.connection === id);
const open = () => mine("position").filter((row) => row.status !== "closed");
const ticker = () => (connection() ? app.prices.get(connection(), view.symbol) : undefined);

function symbols() {
  const row = connection();
  if (!row) return [];
  const used = [...row.forced_symbols, ...row.symbols, ...open().map((each) => each.symbol), ...app.prices.symbols(row).map((each) => each.symbol)];
  return [...new Set(used)];
}

function renderSymbols() {
  const choice = byId("symbol-choice");
  const names = symbols();
  // Without a wish, what is held is what one wants to see.
  if (!view.symbol && names.length && app.store.has("position")) chooseSymbol(open()[0]?.symbol ?? names[0]);
  if (choice.dataset.names === names.join()) return;
  choice.dataset.names = names.join();
  choice.replaceChildren(...names.map((name) => el("option", { value: name, text: symbolText(name) })));
  choice.value = view.symbol;
}

function renderQuote() {
  const quote = byId("quote");
  const row = ticker();
  text(part(quote, "last"), price(shownPrice(row), row?.decimals));
  part(quote, "last").className = `quote-last num ${row?.moved > 0 ? "gain" : row?.moved < 0 ? "loss" : ""}`;
  text(part(quote, "change"), row ? percent(row.change_24h_ratio) : "");
  part(quote, "change").className = `num ${signClass(row?.change_24h_ratio)}`;
  text(part(quote, "bid"), price(row?.bid, row?.decimals));
  text(part(quote, "ask"), price(row?.ask, row?.decimals));
  text(part(quote, "funding"), percent(row?.funding_rate, { digits: 4 }));
  text(part(quote, "turnover"), row?.turnover_24h ? `${compact(row.turnover_24h)} USDT` : "–");
  stale(part(quote, "last"), isOld(row), row ? utc(row.at_ms) : "this page opened");
  if (row && view.chart && view.drawnFor === `${view.symbol}|${view.timeframe}`) view.chart.tick(Number(shownPrice(row)), row.at_ms);
}

function renderEngine() {
  const row = app.store.all("engine").find((engine) => engine.connection === id);
  const { word, mark } = stateOf(row);
  byId("engine-mark").className = `mark ${mark}`;
  text(byId("engine-word"), word);
}

function renderPauses() {
  byId("locks-panel").hidden = renderLocks(byId("locks"), id) === 0;
}

function renderTables() {
  const rows = open().sort(newestFirst("id"));
  renderPositions(rows);
  const winners = rows.filter((row) => unrealized(row, app.prices.get(connection() ?? {}, row.symbol)) > 0);
  block(byId("close-all"), Boolean(app.denial) || rows.length === 0, app.denial || "There is no open position.");
  block(byId("close-profitable"), Boolean(app.denial) || winners.length === 0, app.denial || "No position is in profit.");
  const all = byId("orders-all").checked;
  renderOrders(mine("order").filter((row) => all || !isFinal(row)).sort(newestFirst("id")));
}

function renderChart() {
  if (!view.chart) return;
  const has = (row) => row.symbol === view.symbol;
  view.chart.draw(open().filter(has).sort(newestFirst("id")), mine("fill").filter(has));
}

function chartState(message) {
  byId("chart-state").hidden = !message;
  byId("chart-state").replaceChildren(el("span", { text: message }));
}

async function loadCandles() {
  if (!view.symbol) return;
  const { symbol, timeframe } = view;
  const wanted = `${symbol}|${timeframe}`;
  try {
    view.chart ??= await Chart.create(byId("chart"));
    const candles = await api.list("candles/", { connection: id, symbol, timeframe_s: timeframe, limit: BARS });
    if (wanted !== `${view.symbol}|${view.timeframe}`) return;
    const isNew = view.drawnFor !== wanted;
    view.chart.setCandles(candles, timeframe, ticker()?.decimals ?? decimalsOf(candles.at(-1)?.close ?? ""));
    view.drawnFor = wanted;
    if (isNew) view.chart.fit();
    chartState(candles.length ? "" : "The exchange has no bars of this symbol yet.");
    renderChart();
  } catch (problem) {
    // Old bars stay on show: they are still true, only not new.
    if (view.drawnFor !== wanted) chartState(problem.status === undefined ? "The chart library is not installed. Run: npm ci" : problem.message);
  }
}

function chooseSymbol(symbol) {
  view.symbol = symbol;
  byId("symbol-choice").value = symbol;
  history.replaceState(null, "", `?symbol=${encodeURIComponent(symbol)}`);
  chartState("Loading the chart…");
  loadCandles();
  renderQuote();
}

function bindChoices() {
  byId("connection-choice").addEventListener("change", ({ target }) => location.assign(`${app.page.live_url}${target.value}/`));
  byId("symbol-choice").addEventListener("change", ({ target }) => chooseSymbol(target.value));
  byId("orders-all").addEventListener("change", renderTables);
  const group = byId("timeframes");
  for (const [timeframe, label] of TIMEFRAMES.filter(([each]) => app.page.timeframes.includes(each))) {
    const button = el("button", { className: "button is-compact", type: "button", text: label });
    button.setAttribute("aria-pressed", String(timeframe === view.timeframe));
    button.addEventListener("click", () => {
      view.timeframe = timeframe;
      sessionStorage.setItem("cts-timeframe", timeframe);
      for (const each of group.children) each.setAttribute("aria-pressed", String(each === button));
      chartState("Loading the chart…");
      loadCandles();
    });
    group.append(button);
  }
}

async function closeMany(button, path, question) {
  if (!(await confirm(question))) return;
  await act(button, () => api.trade(path, { connection: id }), { done: "Closing orders sent." });
}

function bindCloses() {
  byId("close-all").addEventListener("click", ({ currentTarget }) => closeMany(currentTarget, "positions/close-all/", {
    title: "Close all positions?", action: "Close all", detail: `Closes all ${open().length} positions of this connection at market.`,
  }));
  byId("close-profitable").addEventListener("click", ({ currentTarget }) => closeMany(currentTarget, "positions/close-profitable/", {
    title: "Close profitable positions?", action: "Close profitable", detail: "Closes at market every position of this connection that is in profit at that moment.",
  }));
}

const inScope = (row) => row.connection === id;

// Whatever is open, however old, and the newest of the rest.
async function loadOpenAndNewest(path) {
  const [still, newest] = await Promise.all([
    api.list(path, { connection: id, is_open: true, page_size: 200 }, 5),
    api.list(path, { connection: id, page_size: 50 }),
  ]);
  const known = new Set(still.map((row) => row.id));
  return [...still, ...newest.filter((row) => !known.has(row.id))];
}

for (const [entity, load] of [
  ["position", () => loadOpenAndNewest("positions/")],
  ["order", () => loadOpenAndNewest("orders/")],
  ["fill", () => api.list("fills/", { connection: id, page_size: 200 })],
]) {
  onSnapshot(entity, async ({ mark }) => app.store.replace(entity, await load(), { mark, inScope }));
}
onSnapshot("engine events", async ({ mark }) => app.store.replace("engine_event", await api.list(`engines/${id}/events/`), { mark, inScope }));

loadLocks(() => [id]);

addTopics(() => [`connection.${id}`]);
app.store.on(["connection", "prices", "position"], renderSymbols);
app.store.on(["prices", "clock"], renderQuote);
app.store.on(["engine"], renderEngine);
app.store.on(["entry_lock", "clock"], renderPauses);
app.store.on(["position", "order", "prices", "clock", "connection"], renderTables);
app.store.on(["position", "fill"], renderChart);
app.store.on(["engine_event", "order", "fill", "position"], () => renderActivity(id));
onTheme(() => view.chart?.paint());
bindTopbar();
bindEmergency();
bindStory();
bindChoices();
bindCloses();
if (view.symbol) chooseSymbol(view.symbol);
setInterval(loadCandles, CORRECT_EVERY_MS);
start();

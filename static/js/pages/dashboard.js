// The dashboard: totals, cards, open positions, last trades, the system.
import { api } from "../api.js";
import { renderCards } from "../cards.js";
import { byId, el, keyed, text } from "../dom.js";
import { bindEmergency } from "../emergency.js";
import { loadLocks } from "../locks.js";
import { renderFirstRun, renderHealth, renderSparkline, renderTiles } from "../overview.js";
import { addTopics, app, connections, onSnapshot, start, troubles } from "../shell.js";
import { bindStory } from "../story.js";
import { newestFirst, renderFills, renderPositions } from "../tables.js";
import { bindTopbar } from "../topbar.js";

const LAST_TRADES = 12;
const ENVIRONMENT_WORDS = { live: "Live", testnet: "Testnet", paper: "Paper" };
const ORDER = Object.keys(ENVIRONMENT_WORDS);
const CHOICE = `cts-environment-${app.user.id}`;
let chosen = localStorage.getItem(CHOICE);
let first = "";
let drawnFor = "";

function environments() {
  const used = new Set(connections().map((row) => row.environment));
  return ORDER.filter((environment) => used.has(environment));
}

function isAtWork(environment) {
  const ids = new Set(connections().filter((row) => row.environment === environment).map((row) => row.id));
  return app.store.all("engine").some((row) => ids.has(row.connection) && row.desired !== "stopped")
    || app.store.all("position").some((row) => ids.has(row.connection) && row.status !== "closed");
}

const isAsked = () => (app.store.has("engine") && app.store.has("position")) || "loaded" in document.documentElement.dataset;

// Where something is open or running, decided once: the page must not turn over under its reader.
function firstShown(used) {
  if (!isAsked()) return "";
  if (!used.includes(first)) first = used.find(isAtWork) ?? used[0] ?? "";
  return first;
}

// Paper money and real money are never added up: the page shows one kind at a time.
function environment() {
  const used = environments();
  if (used.includes(chosen)) return chosen;
  return used.length > 1 ? firstShown(used) : used[0] ?? "";
}
app.environment = environment;

function shown() {
  return connections().filter((row) => row.is_active && row.environment === environment());
}

function choose(name) {
  chosen = name;
  localStorage.setItem(CHOICE, name);
  for (const entity of ["connection", "position", "fill", "environment"]) app.store.touch(entity);
}

function createChoice(name) {
  const button = el("button", { className: "button is-compact", type: "button", text: ENVIRONMENT_WORDS[name] });
  button.addEventListener("click", () => choose(name));
  return button;
}

function renderEnvironments() {
  const used = environments();
  byId("environments").hidden = used.length < 2;
  keyed(byId("environments"), used, { key: (name) => name, create: createChoice, update: (button, name) => button.setAttribute("aria-pressed", String(name === environment())) });
  if (environment() === drawnFor) return;
  drawnFor = environment();
  for (const entity of ["environment", "fill"]) app.store.touch(entity);
}

function renderConnections() {
  if (!app.store.has("connection") || (connections().length && !environment())) return;
  const rows = shown();
  renderCards(rows);
  byId("cards").hidden = rows.length === 0;
  renderFirstRun(connections());
  renderTiles(rows);
}

function renderTables() {
  const ids = new Set(shown().map((row) => row.id));
  renderPositions(app.store.all("position").filter((row) => row.status !== "closed" && ids.has(row.connection)).sort(newestFirst("id")));
}

function renderTrades() {
  const ids = new Set(shown().map((row) => row.id));
  renderFills(app.store.all("fill").filter((row) => ids.has(row.connection)).sort(newestFirst("executed_at")).slice(0, LAST_TRADES));
}

function renderTrouble() {
  const notice = byId("trouble-notice");
  notice.hidden = troubles().length === 0;
  text(notice.querySelector("span"), `What you see may be old: ${troubles()[0] ?? ""}`);
}

const renderCurve = () => renderSparkline(app.page.equity_curves[environment()] ?? []);

onSnapshot("positions", async ({ mark }) => {
  const midnight = new Date(new Date().setUTCHours(0, 0, 0, 0)).toISOString();
  const [open, closed] = await Promise.all([
    api.list("positions/", { is_open: true, page_size: 200 }, 3),
    api.list("positions/", { is_open: false, closed_after: midnight, page_size: 500 }, 4),
  ]);
  app.store.replace("position", [...open, ...closed], { mark });
});
onSnapshot("fills", async ({ mark }) => app.store.replace("fill", await api.list("fills/", { page_size: 50 }), { mark }));
// The cards say what became of the newest order only.
onSnapshot("orders", async ({ mark }) => {
  const rows = await Promise.all(connections().filter((row) => row.is_active).map((row) => api.list("orders/", { connection: row.id, page_size: 1 })));
  app.store.replace("order", rows.flat(), { mark });
});
onSnapshot("balances", async ({ mark }) => {
  const rows = await Promise.all(connections().map((row) => api.list(`connections/${row.id}/balances/`)));
  app.store.replace("balance", rows.flat(), { mark });
});

loadLocks(() => connections().filter((row) => row.is_active).map((row) => row.id));

addTopics(() => connections().filter((row) => row.is_active).map((row) => `connection.${row.id}`));
app.store.on(["connection", "engine", "position", "clock"], renderEnvironments);
app.store.on(["connection", "engine", "balance", "position", "order", "entry_lock", "prices", "clock"], renderConnections);
app.store.on(["position", "prices", "clock", "connection"], renderTables);
app.store.on(["fill", "connection"], renderTrades);
app.store.on(["connection", "environment"], renderCurve);
app.store.on(["health", "trouble"], renderHealth);
app.store.on("trouble", renderTrouble);
bindTopbar();
bindEmergency();
bindStory();
start();

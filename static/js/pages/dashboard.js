// The dashboard: totals, cards, open positions, last trades, the system.
import { api } from "../api.js";
import { renderCards } from "../cards.js";
import { byId, el, text } from "../dom.js";
import { bindEmergency } from "../emergency.js";
import { renderFirstRun, renderHealth, renderSparkline, renderTiles } from "../overview.js";
import { addTopics, app, connections, onSnapshot, start, troubles } from "../shell.js";
import { bindStory } from "../story.js";
import { newestFirst, renderFills, renderPositions } from "../tables.js";
import { bindTopbar } from "../topbar.js";

const LAST_TRADES = 12;
const ORDER = ["live", "testnet", "paper"];
let chosen = sessionStorage.getItem("cts-environment");

function environments() {
  const used = new Set(connections().map((row) => row.environment));
  return ORDER.filter((environment) => used.has(environment));
}

// Paper money and real money are never added up: the page shows one kind at a time.
function environment() {
  const used = environments();
  return used.includes(chosen) ? chosen : used[0];
}

function shown() {
  return connections().filter((row) => row.is_active && row.environment === environment());
}

function renderEnvironments() {
  const used = environments();
  const group = byId("environments");
  group.hidden = used.length < 2;
  group.replaceChildren(...used.map((name) => {
    const button = el("button", { className: "button is-compact", type: "button", "aria-pressed": String(name === environment()), text: name === "live" ? "Live" : name === "paper" ? "Paper" : "Testnet" });
    button.addEventListener("click", () => {
      chosen = name;
      sessionStorage.setItem("cts-environment", name);
      for (const entity of ["connection", "position", "fill"]) app.store.touch(entity);
    });
    return button;
  }));
}

function renderConnections() {
  if (!app.store.has("connection")) return;
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
onSnapshot("balances", async ({ mark }) => {
  const rows = await Promise.all(connections().map((row) => api.list(`connections/${row.id}/balances/`)));
  app.store.replace("balance", rows.flat(), { mark });
});

addTopics(() => connections().filter((row) => row.is_active).map((row) => `connection.${row.id}`));
app.store.on(["connection", "engine", "balance", "position", "prices", "clock"], renderConnections);
app.store.on(["position", "prices", "clock", "connection"], renderTables);
app.store.on(["fill", "connection"], renderTrades);
app.store.on("connection", renderEnvironments);
app.store.on("connection", renderCurve);
app.store.on(["health", "trouble"], renderHealth);
app.store.on("trouble", renderTrouble);
bindTopbar();
bindEmergency();
bindStory();
start();

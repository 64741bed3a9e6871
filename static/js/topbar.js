// The top bar: environment, all engines at once, emergency stop, prices, health, theme.
import { api } from "./api.js";
import { block, byId, clone, keyed, part, text } from "./dom.js";
import { act, confirm, toast } from "./feedback.js";
import { percent, price, signClass, symbolText, time } from "./format.js";
import { emergencyStop } from "./emergency.js";
import { stateOf } from "./engine-state.js";
import { isOld, shownPrice } from "./prices.js";
import { app, connections, onSnapshot, refresh } from "./shell.js";
import { unwatchedText } from "./stops.js";

const STRIP_SYMBOLS = 16;
const MONEY = { live: "Real money", testnet: "A test network: no real money", paper: "Paper: no real money" };
const COUNTED = ["failed", "running", "starting", "paused", "pausing", "stopping", "stopped"];
const ALL_DONE = { start: "starting", stop: "stopping", pause: "paused", resume: "resumed" };
const NOT_CONCERNED = new Set(["not_running", "not_paused"]);

function engines() {
  const known = new Map(app.store.all("engine").map((row) => [row.connection, row]));
  return connections().filter((row) => row.is_active).map((row) => known.get(row.id) ?? { connection: row.id, desired: "stopped", actual: "stopped" });
}

// What an engine counts as: what is wanted of it decides, unless it failed or is still on its way.
function countedAs(row) {
  const { word } = stateOf(row);
  return row.desired === "stopped" && row.actual !== "stopped" && row.actual !== "failed" ? "stopping" : word.toLowerCase();
}

function renderEngines() {
  if (!app.store.has("engine") || !app.store.has("connection")) return;
  const rows = engines();
  const counts = new Map(COUNTED.map((word) => [word, 0]));
  for (const row of rows) counts.set(countedAs(row), (counts.get(countedAs(row)) ?? 0) + 1);
  const wanted = rows.filter((row) => row.desired !== "stopped").length;
  const tone = counts.get("failed") ? "is-bad" : wanted === 0 ? "" : counts.get("running") === wanted ? "is-good" : "is-warn";
  byId("engines-mark").className = `mark ${tone}`;
  const told = [...counts].filter(([, number]) => number).map(([word, number]) => `${number} ${word}`);
  text(byId("engines-text"), told.join(", ") || "No engine");
  const has = (desired) => rows.some((row) => row.desired === desired);
  const open = { start: has("stopped"), pause: has("running"), resume: has("paused"), stop: has("running") || has("paused") };
  for (const button of document.querySelectorAll("[data-all-verb]")) {
    const reason = open[button.dataset.allVerb] ? "" : "No engine is in a state for this.";
    block(button, Boolean(app.denial || reason), app.denial || reason);
  }
  block(byId("emergency"), Boolean(app.denial) || rows.length === 0, app.denial || "There is no connection yet.");
}

// The page's own connection says it in the markup; a page with a choice of environments says which is chosen.
function shownEnvironment() {
  return byId("environment").dataset.of || app.environment?.() || "";
}

function renderEnvironment() {
  const name = shownEnvironment();
  const badge = byId("environment");
  badge.hidden = !name;
  if (!name) return;
  badge.className = `environment is-${name}`;
  text(badge, name.toUpperCase());
  badge.title = MONEY[name];
}

// This page's connection and environment first: a symbol has one place in the strip, with the price this page uses.
function stripConnections() {
  const rank = (row) => (row.id === app.page.connection ? 0 : row.environment === shownEnvironment() ? 1 : 2);
  return connections().filter((row) => row.is_active).sort((a, b) => rank(a) - rank(b));
}

function stripRows() {
  const rows = new Map();
  for (const connection of stripConnections()) {
    for (const ticker of app.prices.symbols(connection)) {
      if (!rows.has(ticker.symbol)) rows.set(ticker.symbol, { ...ticker, connection });
    }
  }
  return [...rows.values()].slice(0, STRIP_SYMBOLS);
}

function renderStrip() {
  keyed(byId("strip"), stripRows(), {
    key: (row) => row.symbol,
    create: () => clone("strip-template"),
    update(node, row) {
      node.href = `${app.page.live_url}${row.connection.id}/?symbol=${encodeURIComponent(row.symbol)}`;
      text(part(node, "symbol"), symbolText(row.symbol).replace("/USDT", ""));
      text(part(node, "last"), price(shownPrice(row), row.decimals));
      const change = part(node, "change");
      text(change, percent(row.change_24h_ratio));
      change.className = `num ${signClass(row.change_24h_ratio)}`;
      const old = isOld(row);
      node.classList.toggle("is-stale", old);
      node.title = old ? `${row.symbol}: not updated since ${time(row.at_ms)}` : `${row.symbol} on ${row.connection.exchange}, change in 24 h`;
    },
  });
}

async function allVerb(button) {
  const verb = button.dataset.allVerb;
  if (verb === "stop") {
    const left = app.store.all("position").filter((row) => row.status !== "closed" && row.stop_status === "watched").length;
    const isSure = await confirm({
      title: "Stop all engines?", action: "Stop all",
      detail: "No new orders. Open positions stay open and keep the stops they have on the venue." + (left ? ` ${unwatchedText(left)}` : ""),
    });
    if (!isSure) return;
  }
  await act(button, async () => {
    tell(verb, (await api.trade(`engines/all/${verb}/`)).results);
    await refresh();
  });
}

// Engines the verb doesn't concern refuse it too; only the others' refusals are news.
function tell(verb, results) {
  const done = results.filter((row) => row.is_ok).length;
  if (done) toast(`${done} ${done === 1 ? "engine" : "engines"}: ${ALL_DONE[verb]}.`);
  for (const { connection, code, detail } of results.filter((row) => !row.is_ok && !NOT_CONCERNED.has(row.code))) {
    toast(`${app.store.get("connection", connection)?.name ?? `Connection ${connection}`}: ${detail}`, { isBad: true });
  }
}

function bindTheme() {
  const root = document.documentElement;
  const buttons = [...document.querySelectorAll("[data-theme-choice]")];
  const show = () => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.theme)));
  for (const button of buttons) {
    button.addEventListener("click", async () => {
      root.dataset.theme = button.dataset.themeChoice;
      localStorage.setItem("cts-theme", root.dataset.theme);
      show();
      dispatchEvent(new Event("cts-theme"));
      try {
        await api.patch("users/me/", { theme: root.dataset.theme });
      } catch (problem) {
        toast(`The theme is set here, but could not be saved: ${problem.message}`, { isBad: true });
      }
    });
  }
  show();
}

function closeMenusOutside(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (event.key === "Escape") menu.querySelector("summary").focus();
    if (event.key === "Escape" || !menu.contains(event.target)) menu.open = false;
  }
}

function renderHealth() {
  const health = app.health;
  if (!health) return;
  const isOk = health.status === "ok";
  byId("health-mark").className = `mark ${isOk ? "is-good" : "is-bad"}`;
  text(byId("health-text"), isOk ? "Healthy" : "Trouble");
}

export function bindTopbar() {
  app.store.on(["engine", "connection"], renderEngines);
  app.store.on(["connection", "environment"], renderEnvironment);
  app.store.on(["prices", "clock", "connection"], renderStrip);
  app.store.on("health", renderHealth);
  for (const button of document.querySelectorAll("[data-all-verb]")) button.addEventListener("click", () => allVerb(button));
  byId("emergency").addEventListener("click", () => emergencyStop());
  document.addEventListener("click", closeMenusOutside);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenusOutside(event));
  bindTheme();
  onSnapshot("health", async () => {
    app.health = await api.get("health/");
    app.store.touch("health");
  });
}


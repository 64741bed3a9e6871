// The top bar: environment, all engines at once, emergency stop, prices, health, theme.
import { api } from "./api.js";
import { block, byId, clone, keyed, part, text } from "./dom.js";
import { act, confirm, toast } from "./feedback.js";
import { percent, price, signClass, symbolText, time } from "./format.js";
import { emergencyStop } from "./emergency.js";
import { isOld } from "./prices.js";
import { app, connections, onSnapshot, refresh } from "./shell.js";

const STRIP_SYMBOLS = 16;
const ENVIRONMENTS = ["live", "testnet", "paper"];
const ALL_DONE = { start: "starting", stop: "stopping", pause: "paused", resume: "resumed" };
const NOT_CONCERNED = new Set(["not_running", "not_paused"]);

function engines() {
  const known = new Map(app.store.all("engine").map((row) => [row.connection, row]));
  return connections().filter((row) => row.is_active).map((row) => known.get(row.id) ?? { connection: row.id, desired: "stopped", actual: "stopped" });
}

function renderEngines() {
  if (!app.store.has("engine") || !app.store.has("connection")) return;
  const rows = engines();
  const running = rows.filter((row) => row.actual === "running").length;
  const isFailing = rows.some((row) => row.actual === "failed");
  const mark = byId("engines-mark");
  mark.className = `mark ${isFailing ? "is-bad" : running === rows.length && running ? "is-good" : running ? "is-warn" : ""}`;
  text(byId("engines-text"), rows.length ? `${running} of ${rows.length} running` : "No engine");
  const has = (desired) => rows.some((row) => row.desired === desired);
  const open = { start: has("stopped"), pause: has("running"), resume: has("paused"), stop: has("running") || has("paused") };
  for (const button of document.querySelectorAll("[data-all-verb]")) {
    const reason = open[button.dataset.allVerb] ? "" : "No engine is in a state for this.";
    block(button, Boolean(app.denial || reason), app.denial || reason);
  }
  block(byId("emergency"), Boolean(app.denial) || rows.length === 0, app.denial || "There is no connection yet.");
}

function renderEnvironment() {
  const used = new Set(connections().filter((row) => row.is_enabled).map((row) => row.environment));
  const highest = ENVIRONMENTS.find((environment) => used.has(environment));
  const badge = byId("environment");
  badge.hidden = !highest;
  if (!highest) return;
  badge.className = `environment is-${highest}`;
  text(badge, highest.toUpperCase());
  badge.title = { live: "At least one connection trades real money", testnet: "Test networks only: no real money", paper: "Paper only: no real money" }[highest];
}

function stripRows() {
  const rows = new Map();
  for (const connection of connections().filter((row) => row.is_active)) {
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
      text(part(node, "last"), price(row.last, row.decimals));
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
    const isSure = await confirm({
      title: "Stop all engines?", action: "Stop all",
      detail: "No new orders. Open positions stay open and keep the stops they have on the venue.",
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
  app.store.on("connection", renderEnvironment);
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


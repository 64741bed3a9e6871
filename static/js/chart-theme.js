// What the charts have in common: the library, the frame, and the colors of the theme.
import { time } from "./format.js";

export const LIBRARY = "../vendor/charts/lightweight-charts.standalone.production.mjs";

// Canvas needs plain colors; the browser resolves the theme's variables for us.
function color(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function palette() {
  return Object.fromEntries(["surface", "line", "muted", "text", "gain", "loss", "accent"].map((name) => [name, color(name)]));
}

const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

// Kinds 0-2 are years, months and days; 3 and 4 are times.
function tickMark(at, kind) {
  return (kind < 3 ? date : hour).format(new Date(at * 1000));
}

/** What every chart has, whatever it draws. */
export function framed() {
  return {
    autoSize: true,
    layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
    timeScale: { timeVisible: true, secondsVisible: false, tickMarkFormatter: tickMark },
    localization: { timeFormatter: (at) => time(at * 1000) },
    crosshair: { mode: 0 },
  };
}

/** The frame in the colors of the theme. */
export function themed({ surface, line, muted }) {
  return {
    layout: { background: { color: surface }, textColor: muted },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    timeScale: { borderColor: line },
    rightPriceScale: { borderColor: line },
  };
}

/** When the reader, or the system, takes the other theme. */
export function onTheme(repaint) {
  addEventListener("cts-theme", repaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

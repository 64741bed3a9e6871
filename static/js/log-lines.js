// Steps of a test or of an emergency stop, one line each, with how it went and how long it took.
import { el, icon } from "./dom.js";
import { words } from "./format.js";

export function logLines(steps) {
  return steps.map(({ step, is_ok: isOk, detail, elapsed_ms: elapsed }) => el(
    "li", { className: isOk ? "is-ok" : "is-bad" }, icon(isOk ? "check" : "warning"),
    el("span", {}, el("span", { text: words(step) }), el("span", { className: "detail", text: detail ? ` – ${detail}` : "" })),
    el("span", { className: "num", text: elapsed === undefined ? "" : `${Math.round(elapsed)} ms` }),
  ));
}

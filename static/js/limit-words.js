// Limits of a portfolio in words, and how much of each is used.
import { percent } from "./format.js";

export const LIMIT_NAMES = {
  max_positions: "Open positions",
  max_total_notional_ratio: "Value of all positions",
  max_symbol_notional_ratio: "Largest symbol and side",
  max_daily_loss_ratio: "Loss of the day",
  max_drawdown_ratio: "Below the peak",
};

export const shown = (limit, value) => (limit === "max_positions" ? String(value ?? "–") : percent(value, { isSigned: false, digits: 1 }));
export const share = ({ used, allowed }) => (used === null ? 0 : allowed > 0 ? used / allowed : 1);

/** The limit that is nearest to being reached. */
export function nearest(usage) {
  if (usage.length === 0) return "No limit of its own";
  const [first] = [...usage].sort((a, b) => share(b) - share(a));
  return `${LIMIT_NAMES[first.limit]}: ${shown(first.limit, first.used)} of ${shown(first.limit, first.allowed)}`;
}

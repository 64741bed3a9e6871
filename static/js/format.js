// Numbers, times and ages as people read them. Strings from the API stay exact; only what is computed here is rounded.
const MINUS = "−";
const grouped = new Map();

function group(value, digits) {
  if (!grouped.has(digits)) {
    grouped.set(digits, new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return grouped.get(digits).format(value);
}

export const NOTHING = "–";
const isMissing = (value) => value === null || value === undefined || value === "" || Number.isNaN(Number(value));

function signed(text, value, isSigned) {
  if (value < 0) return MINUS + text;
  return isSigned && value > 0 ? `+${text}` : text;
}

/** Money to cents; below one cent to its first two figures, so that a fee is never shown as nothing. */
export function money(value, { isSigned = false } = {}) {
  if (isMissing(value)) return NOTHING;
  const number = Number(value);
  const size = Math.abs(number);
  const digits = size > 0 && size < 0.01 ? Math.min(8, 1 - Math.floor(Math.log10(size))) : 2;
  return signed(group(size, digits), number, isSigned);
}

export function decimalsOf(text) {
  return String(text).split(".")[1]?.length ?? 0;
}

/** A price with the decimals of its symbol where they are known, else enough to tell neighbours apart. */
export function price(value, decimals) {
  if (isMissing(value)) return NOTHING;
  const number = Number(value);
  const size = Math.abs(number);
  const natural = size >= 1000 ? 2 : size >= 10 ? 3 : size >= 1 ? 4 : 6;
  return signed(group(size, decimals ?? Math.min(natural, Math.max(2, decimalsOf(value)))), number, false);
}

export function quantity(value) {
  if (isMissing(value)) return NOTHING;
  return signed(group(Math.abs(Number(value)), Math.min(8, decimalsOf(value))), Number(value), false);
}

export function percent(ratio, { isSigned = true, digits = 2 } = {}) {
  if (isMissing(ratio)) return NOTHING;
  return `${signed(group(Math.abs(ratio) * 100, digits), Number(ratio), isSigned)} %`;
}

export function compact(value) {
  if (isMissing(value)) return NOTHING;
  return new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(Number(value));
}

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

export const signClass = (value) => (isMissing(value) || Number(value) === 0 ? "" : Number(value) > 0 ? "gain" : "loss");

export function symbolText(symbol) {
  return symbol.split(":")[0];
}

/** A sentence of the server with its symbols as people write them. */
export const plainText = (sentence) => String(sentence ?? "").replace(/\b([A-Z0-9]+\/[A-Z0-9]+):[A-Z0-9]+/g, "$1");

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export function time(value) {
  if (!value) return NOTHING;
  const at = new Date(value);
  return (at.toDateString() === new Date().toDateString() ? clock : day).format(at);
}

export function utc(value) {
  return value ? `${new Date(value).toISOString().slice(0, 19).replace("T", " ")} UTC` : "";
}

export function age(seconds) {
  if (seconds < 0) return "0 s";
  if (seconds < 100) return `${Math.floor(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export const secondsSince = (value) => (Date.now() - new Date(value).getTime()) / 1000;

export function words(code) {
  const text = String(code ?? "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

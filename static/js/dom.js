// Markup comes from <template> elements; data goes in by textContent only.
const SPRITE = new URL("../img/icons.svg", import.meta.url).pathname;
const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function clone(templateId) {
  return byId(templateId).content.firstElementChild.cloneNode(true);
}

export function part(node, name) {
  node.parts ??= {};
  node.parts[name] ??= node.querySelector(`[data-part="${name}"]`);
  return node.parts[name];
}

export function text(node, value) {
  if (node && node.textContent !== String(value)) node.textContent = value;
}

export function el(tag, { className, text: content, title, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content !== undefined) node.textContent = content;
  if (title) node.title = title;
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
  node.append(...children.filter(Boolean));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "use"));
  setIcon(svg, name);
  return svg;
}

export function setIcon(svg, name) {
  const address = `${SPRITE}#${name}`;
  if (svg.firstElementChild.getAttribute("href") !== address) svg.firstElementChild.setAttribute("href", address);
}

/** A figure with its unit; the sign's color on top of the sign itself. */
export function figure(node, value, { unit = "", tone = "", title = "" } = {}) {
  if (!node) return;
  if (node.dataset.value === `${value}|${unit}|${tone}`) return;
  node.dataset.value = `${value}|${unit}|${tone}`;
  node.replaceChildren(el("span", { className: tone, text: value }), unit && value !== "–" ? el("span", { className: "unit", text: unit }) : "");
  node.classList.add("num");
  if (title) node.title = title;
}

/** A figure of the page's totals and the line below it. */
export function tile(name, value, note, options = {}) {
  const node = byId(`tile-${name}`);
  figure(part(node, "value"), value, options);
  text(part(node, "note"), note);
  return node;
}

/** Grey a number out and say since when; give it back its ink when it moves again. */
export function stale(node, isStale, since = "") {
  if (!node) return;
  node.classList.toggle("is-stale", isStale);
  if (isStale) node.title = `Not updated since ${since}`;
  else if (node.title.startsWith("Not updated since")) node.removeAttribute("title");
}

/** Children of `container` kept in step with `rows`: made once per key, updated in place, in order. */
export function keyed(container, rows, { key = (row) => row.id, create, update }) {
  container.keyed ??= new Map();
  const known = container.keyed;
  const wanted = new Set(rows.map((row) => String(key(row))));
  for (const [id, node] of known) {
    if (wanted.has(id)) continue;
    node.remove();
    known.delete(id);
  }
  rows.forEach((row, index) => {
    const id = String(key(row));
    if (!known.has(id)) known.set(id, create(row));
    const node = known.get(id);
    if (container.children[index] !== node) container.insertBefore(node, container.children[index] ?? null);
    update(node, row);
  });
}

/** Disabled for a reason people can read; a button at work stays disabled whatever the rows say. */
export function block(button, isBlocked, reason = "") {
  if (!button) return;
  button.dataset.blocked = isBlocked ? "1" : "";
  button.disabled = isBlocked || button.getAttribute("aria-busy") === "true";
  if (isBlocked && reason) button.title = reason;
  else if (button.dataset.title !== undefined || button.title) button.title = button.dataset.title ?? "";
}

export function setTime(node, value, format) {
  text(node, format(value));
  node.dateTime = value ?? "";
  node.title = value ? `${new Date(value).toISOString().slice(0, 19).replace("T", " ")} UTC` : "";
}

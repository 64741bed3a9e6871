// All portfolios: what each is worth, and how near it is to its limits.
import { api } from "../api.js";
import { byId, clone, figure, keyed, part, text } from "../dom.js";
import { money, signClass } from "../format.js";
import { nearest } from "../limit-words.js";
import { app, connections, onSnapshot } from "../shell.js";
import "./plain.js";

const REFRESH_MS = 5000;

function create(row) {
  const node = clone("portfolio-template");
  const link = part(node, "name");
  link.href = `/portfolios/${row.id}/`;
  return node;
}

function update(node, row) {
  const members = connections().filter(({ id }) => row.connections.includes(id));
  text(part(node, "name"), row.name);
  text(part(node, "members"), members.length ? members.map(({ name }) => name).join(", ") : "No connection in it");
  const kind = members[0]?.environment ?? "";
  part(node, "environment").hidden = !kind;
  part(node, "environment").className = `tag is-${kind}`;
  text(part(node, "environment"), kind);
  const { standing } = row;
  if (!standing) return;
  figure(part(node, "equity"), money(standing.equity));
  figure(part(node, "today"), money(standing.day_pnl, { isSigned: true }), { tone: signClass(standing.day_pnl) });
  text(part(node, "positions"), standing.positions);
  text(part(node, "usage"), nearest(standing.usage));
}

function render() {
  if (!app.store.has("portfolio") || !app.store.has("connection")) return;
  const rows = app.store.all("portfolio").sort((a, b) => a.name.localeCompare(b.name));
  byId("portfolios").querySelector("[data-skeleton]")?.remove();
  keyed(byId("portfolios"), rows, { create, update });
  byId("portfolios").hidden = rows.length === 0;
  byId("portfolios-empty").hidden = rows.length > 0;
}

async function load({ mark }) {
  const rows = await api.list("portfolios/", undefined, 5);
  const standings = await Promise.all(rows.map(({ id }) => api.get(`portfolios/${id}/standing/`)));
  app.store.replace("portfolio", rows.map((row, index) => ({ ...row, standing: standings[index], version: Date.now() })), { mark });
}

onSnapshot("portfolios", load);
app.store.on(["portfolio", "connection"], render);
setInterval(() => document.visibilityState === "visible" && load({ mark: app.store.mark() }).catch(() => {}), REFRESH_MS);

// What every page has: rows, prices, one socket, the top bar. A page adds its snapshot and its topics.
import { api } from "./api.js";
import { byId } from "./dom.js";
import { Live } from "./live.js";
import { Prices } from "./prices.js";
import { Store } from "./store.js";

const data = JSON.parse(byId("page-data").textContent);

export const app = {
  user: data.user,
  page: data.page,
  store: new Store(),
  prices: new Prices(),
  /** Why the signed-in user may not act; empty when they may. */
  denial: data.user.can_trade ? "" : "Your role is viewer: you can look, but not act.",
};

const snapshots = [];
const extraTopics = [];
const trouble = new Map();
let running = null;
let isAgain = false;

/** `load({ mark })` fetches what the page shows; it runs at the start, after every join and on every poll. */
export function onSnapshot(name, load) {
  snapshots.push({ name, load });
}

export function addTopics(topics) {
  extraTopics.push(topics);
}

async function loadOne({ name, load }) {
  try {
    await load({ mark: app.store.mark() });
    if (trouble.delete(name)) app.store.touch("trouble");
  } catch (problem) {
    if (problem.status === undefined) throw problem;
    if (problem.status === 401) return location.reload();
    trouble.set(name, problem.message);
    app.store.touch("trouble");
  }
}

/** What could not be loaded, by the name of its part. */
export const troubleOf = (name) => trouble.get(name);
export const troubles = () => [...trouble.values()];

// Connections first: which balances and prices to ask for follows from them.
async function loadAll() {
  const [first, ...others] = snapshots;
  await loadOne(first);
  await Promise.all(others.map(loadOne));
}

// One at a time; asked for again meanwhile, it runs once more, so that the newest join is always answered.
export function refresh() {
  if (running) {
    isAgain = true;
    return running;
  }
  running = loadAll().finally(() => {
    running = null;
    document.documentElement.dataset.loaded = "";
    if (isAgain) {
      isAgain = false;
      refresh();
    }
  });
  return running;
}

export const venueTopic = ({ exchange, environment, market }) => `tickers.${exchange}.${environment}.${market}`;

export function connections() {
  return app.store.all("connection").sort((a, b) => a.id - b.id);
}

function syncTopics() {
  const venues = connections().filter((row) => row.is_active).map(venueTopic);
  live.setTopics(new Set(["user", "health", ...venues, ...extraTopics.flatMap((topics) => topics())]));
}

function receive(message) {
  if (message.type === "tickers") {
    app.prices.apply(message);
    app.store.touch("prices");
  } else if (message.type === "event") {
    if (message.row.is_deleted) app.store.remove(message.entity, message.row.id);
    else app.store.apply(message.entity, message.row);
  } else if (message.type === "health") {
    app.health = message;
    app.store.touch("health");
  }
}

const live = new Live({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1/`,
  onMessage: receive,
  onSnapshot: refresh,
  onState(state) {
    byId("socket-notice").hidden = state !== "polling";
    document.documentElement.dataset.socket = state;
  },
});
app.live = live;

onSnapshot("connections", async ({ mark }) => {
  app.store.replace("connection", await api.list("connections/", undefined, 5), { mark });
});
onSnapshot("engines", async ({ mark }) => {
  app.store.replace("engine", await api.list("engines/", undefined, 5), { mark });
});
onSnapshot("prices", async () => {
  for (const venue of uniqueVenues()) app.prices.apply({ ...venue, rows: await api.list("tickers/", venue) });
  app.store.touch("prices");
});

function uniqueVenues() {
  const known = new Map();
  for (const { exchange, environment, market, is_active } of connections()) {
    if (is_active) known.set(venueTopic({ exchange, environment, market }), { exchange, environment, market });
  }
  return [...known.values()];
}

app.store.on("connection", syncTopics);
// Ages and staleness move without any news.
setInterval(() => app.store.touch("clock"), 1000);

export function start() {
  syncTopics();
  refresh();
  live.start();
  // Shows a page of our own when the server is away. Browsers offer it on https and loopback only.
  navigator.serviceWorker?.register("/service-worker.js");
}

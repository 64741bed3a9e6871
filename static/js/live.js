// One socket a page. Joins its topics, asks for a snapshot after every join, and falls back to asking on a timer.
const PING_EVERY_MS = 15_000;
const SILENCE_MS = 40_000;
const POLL_EVERY_MS = 5_000;
const RETRY_MAX_MS = 15_000;
const SIGNED_OUT = 4401;

export class Live {
  #socket = null;
  #topics = new Set();
  #pending = new Set();
  #attempt = 0;
  #heardAt = 0;
  #retryTimer = 0;
  #pollTimer = 0;

  /** `onMessage(payload)` gets pushes, `onSnapshot()` runs after joins and on every poll, `onState(state)` as it changes. */
  constructor({ url, onMessage, onSnapshot, onState }) {
    Object.assign(this, { url, onMessage, onSnapshot, onState, state: "connecting" });
    setInterval(() => this.#watch(), PING_EVERY_MS);
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#retryNow());
  }

  start() {
    this.#open();
  }

  /** The topics this page wants from now on; joins and leaves what differs. */
  setTopics(topics) {
    const wanted = new Set(topics);
    const join = [...wanted].filter((topic) => !this.#topics.has(topic));
    const leave = [...this.#topics].filter((topic) => !wanted.has(topic));
    this.#topics = wanted;
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (leave.length) this.#send({ type: "unsubscribe", topics: leave });
    this.#join(join);
  }

  #open() {
    clearTimeout(this.#retryTimer);
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#heardAt = performance.now();
      this.#join([...this.#topics]);
    });
    socket.addEventListener("message", ({ data }) => this.#hear(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => this.#socket === socket && this.#lost(code));
  }

  #join(topics) {
    if (topics.length === 0) return;
    this.#pending = new Set([...this.#pending, ...topics]);
    this.#send({ type: "subscribe", topics });
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #hear(message) {
    this.#heardAt = performance.now();
    if (message.type === "pong") return;
    if (message.type === "subscribed" || message.type === "error") this.#settle(message);
    else this.onMessage(message);
  }

  // A refused topic is settled too: the others must not wait for it.
  #settle({ type, topic, detail }) {
    if (type === "error") console.warn("topic refused", topic, detail);
    if (!topic) this.#pending.clear();
    this.#pending.delete(topic);
    if (this.#pending.size) return;
    this.#attempt = 0;
    clearInterval(this.#pollTimer);
    this.#pollTimer = 0;
    this.#setState("live");
    this.onSnapshot();
  }

  #lost(code = 0) {
    this.#pending.clear();
    // The session ended, here or elsewhere: unless this page is leaving already, the server sends it to the sign-in.
    if (code === SIGNED_OUT) return setTimeout(() => location.reload(), 1000);
    const ceiling = Math.min(RETRY_MAX_MS, 500 * 2 ** this.#attempt);
    const delay = ceiling / 2 + Math.random() * (ceiling / 2);
    this.#attempt += 1;
    this.#setState("polling");
    if (!this.#pollTimer) {
      this.onSnapshot();
      this.#pollTimer = setInterval(() => this.onSnapshot(), POLL_EVERY_MS);
    }
    this.#retryTimer = setTimeout(() => this.#open(), delay);
  }

  #watch() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (performance.now() - this.#heardAt > SILENCE_MS) return this.#drop();
    this.#send({ type: "ping" });
  }

  // A half-open connection never says so itself; `close` would wait for the other side's answer.
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket.close();
    this.#lost();
  }

  #retryNow() {
    if (this.state === "polling" && this.#socket?.readyState !== WebSocket.CONNECTING) this.#open();
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.onState(state);
  }
}

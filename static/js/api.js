// The one way to the API: session and CSRF token, problem+json turned into errors people can read.
const BASE = "/api/v1/";

export class Problem extends Error {
  constructor({ status = 0, code = "", detail = "", errors = [] }) {
    super(detail);
    Object.assign(this, { status, code, errors });
  }
}

function csrfToken() {
  return document.cookie.match(/(?:^|; )cts_csrf=([^;]*)/)?.[1] ?? document.body.dataset.csrf ?? "";
}

// crypto.randomUUID exists on https and loopback only; a desk on the local network has neither.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function problemOf(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    // Not JSON: a proxy or the server's last resort answered.
  }
  return new Problem({
    status: response.status,
    code: body.code ?? "",
    errors: body.errors ?? [],
    detail: body.detail || fallbackText(response.status),
  });
}

function fallbackText(status) {
  if (status === 401 || status === 403) return "You are signed out or may not do this. Reload the page and sign in.";
  if (status === 404) return "This no longer exists, or isn't yours.";
  if (status === 429) return "Too many requests. Wait a moment, then try again.";
  return `The server could not answer (${status}). Try again; if it stays, see the logs.`;
}

async function request(method, path, { params, body, isTrade = false } = {}) {
  const url = new URL(path.startsWith("http") ? path : BASE + path, location.href);
  for (const [name, value] of Object.entries(params ?? {})) if (value !== undefined) url.searchParams.set(name, value);
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (method !== "GET") headers["Content-Type"] = "application/json";
  if (isTrade) headers["Idempotency-Key"] = newKey();
  let response;
  try {
    response = await fetch(url, {
      method, headers, body: method === "GET" ? undefined : JSON.stringify(body ?? {}), credentials: "same-origin",
    });
  } catch {
    throw new Problem({ code: "unreachable", detail: "The server can't be reached. Check your connection, then try again." });
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

export const api = {
  get: (path, params) => request("GET", path, { params }),
  post: (path, body) => request("POST", path, { body }),
  patch: (path, body) => request("PATCH", path, { body }),
  remove: (path) => request("DELETE", path),
  /** A POST that trades: sent with an idempotency key, so the same click can't trade twice. */
  trade: (path, body) => request("POST", path, { body, isTrade: true }),
  /** Rows of a list, whether the endpoint pages or not; follows `next` up to `pages` pages. */
  async list(path, params, pages = 1) {
    let answer = await request("GET", path, { params });
    const rows = [...(answer.results ?? answer)];
    for (let page = 1; page < pages && answer.next; page += 1) {
      answer = await request("GET", answer.next);
      rows.push(...answer.results);
    }
    return rows;
  },
};

// The admin's first page: health as it is pushed, over the same socket the desk uses; times as people read them.
import { partDetail, partName, partRemedy } from "./health-words.js";
import { bindTimes } from "./times.js";

const RETRY_MS = 3000;

function cell(tag, text, className) {
  const node = document.createElement(tag);
  node.textContent = text;
  node.className = className;
  return node;
}

function show({ status, checks }) {
  document.getElementById("health-status").textContent = status === "ok" ? "all parts healthy" : "needs attention";
  const rows = checks.map((check) => {
    const row = document.createElement("tr");
    row.append(
      cell("td", partName(check.name), "whitespace-nowrap"),
      cell("td", check.is_ok ? "OK" : "Failing", check.is_ok ? "" : "font-semibold text-red-600"),
      cell("td", [partDetail(check), partRemedy(check)].filter(Boolean).join(" "), ""),
    );
    return row;
  });
  document.getElementById("health-checks").replaceChildren(...rows);
}

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1/`);
  socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "subscribe", topics: ["health"] })));
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.topic === "health" && message.checks) show(message);
  });
  socket.addEventListener("close", () => setTimeout(connect, RETRY_MS));
}

show(JSON.parse(document.getElementById("health-data").textContent));
bindTimes();
connect();

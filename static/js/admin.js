// The admin's first page: health as it is pushed, over the same socket the desk uses.
const RETRY_MS = 3000;

function cell(text) {
  const td = document.createElement("td");
  td.textContent = text;
  td.className = "py-1";
  return td;
}

function show({ status, checks }) {
  document.getElementById("health-status").textContent = status;
  const rows = checks.map((check) => {
    const row = document.createElement("tr");
    row.append(cell(check.name), cell(check.is_ok ? "ok" : "failing"), cell(check.detail), cell(check.remedy));
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

connect();

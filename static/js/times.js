// What the server wrote exactly, shown as people read it: UTC times local, money to cents with its sign.
import { money, signClass, time, utc } from "./format.js";

export function bindTimes(root = document) {
  for (const node of root.querySelectorAll("time[datetime]")) {
    node.title = utc(node.dateTime);
    node.textContent = time(node.dateTime);
  }
  for (const node of root.querySelectorAll("[data-money]")) {
    node.title = node.dataset.money;
    node.textContent = money(node.dataset.money, { isSigned: true });
    node.className = signClass(node.dataset.money);
  }
}

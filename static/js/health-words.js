// Health as people read it: a name for every part, and what it found as a sentence.
import { words } from "./format.js";

const NAMES = {
  start: "Start-up", disk: "Disk", database: "Database", redis: "Redis", workers: "Background workers", engine_workers: "Engine workers",
  beat: "Timer", paper_venue: "Paper exchange", feeds: "Price feeds", clock: "Clock", engines: "Engines",
};
const count = (number, one, many) => (Number(number) === 1 ? `One ${one}` : `${number} ${many}`);
const SENTENCES = [
  [/^start done$/, () => "Everything is started."],
  [/^start still preparing$/, () => "Still getting ready."],
  [/^database sqlite answered in (.+)$/, (_, time) => `SQLite answered in ${time}.`],
  [/^database postgresql answered in (.+)$/, (_, time) => `PostgreSQL answered in ${time}.`],
  [/^workers serving (.+)$/, (_, queues) => `At work on the queues ${queues}.`],
  [/^engine_workers serving engine$/, () => "Ready to run engines."],
  [/^beat its messages arrive$/, () => "Its signals arrive on time."],
  [/^paper_venue answers$/, () => "It answers."],
  [/^paper_venue not needed$/, () => "Not needed: no connection uses it."],
  [/^feeds (\d+) live$/, (_, number) => `${count(number, "feed delivers", "feeds deliver")} prices.`],
  [/^feeds none wanted$/, () => "No engine needs prices now."],
  [/^clock (\d+ ms) off (.+) at most$/, (_, off, venue) => `At most ${off} off, against ${words(venue)}.`],
  [/^engines (\d+) as wanted$/, (_, number) => `${count(number, "engine does what is asked of it", "engines do what is asked of them")}.`],
  [/^engines none wanted$/, () => "No engine is asked to run."],
];

export const partName = (name) => NAMES[name] ?? words(name);

function sentence(line) {
  return words(line).replace(/([^.!?])$/, "$1.");
}

/** What was found, then what to do about it. */
export function partDetail({ name, detail }) {
  for (const [pattern, say] of SENTENCES) {
    const found = pattern.exec(`${name} ${detail}`);
    if (found) return say(...found);
  }
  return detail ? sentence(detail) : "";
}

export const partRemedy = ({ remedy }) => (remedy ? sentence(remedy) : "");

// Every upload of this window, whatever view is shown: a few at once, in the order in which they came.
import { Problem, tellOfRefusal, token } from "../api.js";
import { createStore } from "../dom.js";
import { sizeText } from "../format.js";
import { session, whoAsks } from "../session.js";
import { forThisWindow } from "../storage.js";
import { sendPlain } from "./plain.js";
import { sendResumable } from "./resumable.js";

/** Above this a file is sent so that it can go on after a break. */
const LARGE_BYTES = 8 * 1024 * 1024;
const AT_ONCE = 3;
const DRAWN_EVERY_MS = 200;
const LONGEST_WAIT_S = 60;
const WATCHED_MS = 5000;

/** `{items, summary}`; drawn anew at most five times a second. */
export const uploads = createStore({ items: [], summary: null });
let items = [];
let last = 0;
let drawn = 0;
let resumeAt = 0;
const samples = [];

/** Add files, as `{file, path}`, with the options of each upload; those above `most` bytes would only be refused. */
export function add(files, options, most = Infinity) {
  const added = files.map(({ file, path }) => {
    const isTooLarge = file.size > most;
    const problem = isTooLarge ? new Problem({ code: "file_too_large", detail: `≤ ${sizeText(most)}` }) : null;
    const state = isTooLarge ? "refused" : "waiting";
    return { id: ++last, who: whoAsks(), file, path, size: file.size, options, state, problem, sent: 0, tries: 0 };
  });
  items = [...items, ...added];
  show();
  work();
}

/** Stop one that is under way; what is there of it stays, so that it can go on. */
export function pause(item) {
  item.stop?.();
  item.state = "paused";
  show();
  work();
}

export function resume(item) {
  Object.assign(item, { state: "waiting", problem: null, tries: 0 });
  show();
  work();
}

/** Give one up, and take it off the list. */
export function remove(item) {
  items = items.filter((each) => each !== item);
  if (item.state === "done") return show();
  item.state = "removed";
  item.stop?.();
  item.giveUp?.();
  show();
  return work();
}

export function clearDone() {
  items = items.filter((item) => item.state !== "done");
  show();
}

const isActive = (item) => item.state === "sending" || item.state === "retrying";
const isAhead = (item) => isActive(item) || item.state === "waiting";
/** True of one that waits for whoever added it to sign in again: no file goes up as somebody else's. */
export const isHeld = (item) => item.state === "waiting" && item.who !== 0 && item.who !== whoAsks();

function work() {
  const wait = resumeAt - Date.now();
  if (wait > 0) return void setTimeout(work, wait + 10);
  while (items.filter(isActive).length < AT_ONCE) {
    const next = items.find((item) => item.state === "waiting" && !isHeld(item));
    if (!next) return undefined;
    run(next);
  }
  return undefined;
}

async function run(item) {
  const used = token.get();
  item.who ||= whoAsks();
  item.state = "sending";
  const progress = (sent) => {
    Object.assign(item, { sent, state: "sending", problem: null });
    show();
  };
  const waiting = (problem) => {
    Object.assign(item, { state: "retrying", problem });
    show();
  };
  try {
    const send = item.size > LARGE_BYTES ? sendResumable : sendPlain;
    const file = await send(item, progress, waiting);
    if (file.delete_token) forThisWindow.set(`fwb.delete.${file.file_id}`, file.delete_token);
    Object.assign(item, { state: "done", sent: item.size, result: file, problem: null });
  } catch (problem) {
    fail(item, problem);
    tellOfRefusal(problem, used);
  }
  show();
  work();
}

function fail(item, problem) {
  if (item.state === "paused" || item.state === "removed") return;
  if (problem.status === 401 && item.who) {
    Object.assign(item, { state: "waiting", problem: null, sent: 0 });
    return;
  }
  if (!problem.mayPass || item.size > LARGE_BYTES || problem.status === 507) {
    Object.assign(item, { state: "refused", problem });
    return;
  }
  // A small one is sent again, under the same key, for as long as the window is open.
  const wait = problem.retryAfter || Math.min(2 ** item.tries, 15);
  item.tries += 1;
  Object.assign(item, { state: "retrying", problem, sent: 0 });
  if (problem.status === 429) resumeAt = Date.now() + Math.min(wait, LONGEST_WAIT_S) * 1000;
  setTimeout(() => {
    if (item.state !== "retrying") return;
    item.state = "waiting";
    work();
  }, Math.min(wait, LONGEST_WAIT_S) * 1000);
}

let timer = 0;

function show() {
  if (timer) return;
  timer = setTimeout(
    () => {
      timer = 0;
      drawn = Date.now();
      uploads.set({ items: [...items], summary: summarise() });
    },
    Math.max(0, drawn + DRAWN_EVERY_MS - Date.now()),
  );
}

/** Bytes and numbers of all, the rate of the last seconds, and the seconds left at that rate. */
function summarise() {
  if (!items.length) return null;
  const count = (test) => items.filter(test).length;
  const total = items.reduce((sum, item) => sum + (item.state === "refused" ? 0 : item.size), 0);
  const sent = items.reduce((sum, item) => sum + (item.state === "refused" ? 0 : item.sent), 0);
  const now = Date.now();
  samples.push([now, sent]);
  while (samples.length > 2 && now - samples[0][0] > WATCHED_MS) samples.shift();
  const [since, before] = samples[0];
  const rate = now > since ? Math.max(0, ((sent - before) * 1000) / (now - since)) : 0;
  const left = rate > 0 ? (total - sent) / rate : null;
  const ahead = count(isAhead);
  const isHalted = ahead > 0 && count(isHeld) === ahead;
  if (!ahead) samples.length = 0;
  return { total, sent, rate, left, ahead, isHalted, done: count((item) => item.state === "done"), refused: count((item) => item.state === "refused"), all: items.length };
}

session.watch(() => {
  show();
  work();
});
window.addEventListener("online", () => {
  for (const item of items.filter((each) => each.state === "retrying" && each.size <= LARGE_BYTES)) resume(item);
});
window.addEventListener("beforeunload", (event) => {
  if (items.some(isAhead)) event.preventDefault();
});

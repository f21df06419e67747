// Deleting with time to think again: the file goes from the list at once, and from the service after eight seconds.
import { address, api, credentials, token } from "../api.js";
import { createStore } from "../dom.js";
import { t } from "../i18n.js";
import { toast } from "../overlays.js";
import { problemText } from "../states.js";
import { forThisWindow } from "../storage.js";

const SECONDS = 8;
const TRIES = 4;
const LONGEST_WAIT_S = 60;
const pending = new Map();

/** Files that are gone or about to be: lists leave them out. */
export const hidden = createStore(new Set());

const hide = (id) => hidden.set((now) => new Set(now).add(id));
const unhide = (ids) => hidden.set((now) => new Set([...now].filter((id) => !ids.includes(id))));

/** Delete files, by `{file_id, filename}`, unless that is undone in time; as who is here now, whoever is here then. */
export function removeFiles(files) {
  const ids = files.map((file) => file.file_id);
  ids.forEach(hide);
  const removal = { bearer: token.get(), timer: setTimeout(() => carryOut(ids), SECONDS * 1000) };
  ids.forEach((id) => pending.set(id, removal));
  const text = t("files.deleted", { count: files.length, name: files[0].filename });
  const run = () => undo(ids, removal);
  removal.end = toast(text, { seconds: SECONDS, action: { label: t("common.undo"), run } });
}

function undo(ids, { timer }) {
  clearTimeout(timer);
  ids.forEach((id) => pending.delete(id));
  unhide(ids);
}

const headersFor = (id) => {
  const deleteToken = forThisWindow.get(`fwb.delete.${id}`);
  return deleteToken ? { "X-Delete-Token": deleteToken } : {};
};

/** One after another, for many at once would meet a limit; those that are left when the page is left go then. */
async function carryOut(ids) {
  const left = [];
  let refused = null;
  for (const id of ids.filter((each) => pending.has(each))) {
    const { bearer } = pending.get(id);
    try {
      await patiently(() => api.delete(`files/${id}`, { headers: headersFor(id), bearer }));
      forThisWindow.remove(`fwb.delete.${id}`);
    } catch (problem) {
      if (problem.code !== "not_found" && problem.code !== "expired") {
        left.push(id);
        refused = problem;
      }
    }
    pending.delete(id);
  }
  if (!refused) return;
  unhide(left);
  toast(`${t("files.not_deleted", { count: left.length })} ${problemText(refused)}`, { tone: "danger", seconds: 10 });
}

/** Do it again after a while where that may help. */
async function patiently(run) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await run();
    } catch (problem) {
      if (!problem.mayPass || tries === TRIES) throw problem;
      const wait = Math.min(problem.retryAfter || 2 ** tries, LONGEST_WAIT_S);
      await new Promise((done) => setTimeout(done, wait * 1000));
    }
  }
}

// Who leaves does not think again.
window.addEventListener("pagehide", () => {
  for (const [id, { bearer, timer, end }] of pending) {
    clearTimeout(timer);
    end();
    const headers = { ...credentials(bearer), ...headersFor(id) };
    fetch(address(`files/${id}`), { method: "DELETE", keepalive: true, headers });
  }
  pending.clear();
});

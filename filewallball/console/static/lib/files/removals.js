// Deleting with time to think again: the file goes from the list at once, and from the service after eight seconds.
import { address, api, credentials } from "../api.js";
import { createStore } from "../dom.js";
import { t } from "../i18n.js";
import { toast } from "../overlays.js";
import { problemText } from "../states.js";
import { forThisWindow } from "../storage.js";

const SECONDS = 8;
const pending = new Map();

/** Files that are gone or about to be: lists leave them out. */
export const hidden = createStore(new Set());

const hide = (id) => hidden.set((now) => new Set(now).add(id));
const unhide = (ids) => hidden.set((now) => new Set([...now].filter((id) => !ids.includes(id))));

/** Delete files, by `{file_id, filename}`, unless that is undone in time. */
export function removeFiles(files) {
  const ids = files.map((file) => file.file_id);
  ids.forEach(hide);
  const timer = setTimeout(() => ids.forEach(carryOut), SECONDS * 1000);
  ids.forEach((id) => pending.set(id, timer));
  const text = t("files.deleted", { count: files.length, name: files[0].filename });
  toast(text, { seconds: SECONDS, action: { label: t("common.undo"), run: () => undo(ids, timer) } });
}

function undo(ids, timer) {
  clearTimeout(timer);
  ids.forEach((id) => pending.delete(id));
  unhide(ids);
}

const headersFor = (id) => {
  const token = forThisWindow.get(`fwb.delete.${id}`);
  return token ? { "X-Delete-Token": token } : {};
};

async function carryOut(id) {
  if (!pending.delete(id)) return;
  try {
    await api.delete(`files/${id}`, { headers: headersFor(id) });
    forThisWindow.remove(`fwb.delete.${id}`);
  } catch (problem) {
    if (problem.code === "not_found" || problem.code === "expired") return;
    unhide([id]);
    toast(`${t("files.not_deleted")} ${problemText(problem)}`, { tone: "danger", seconds: 10 });
  }
}

// Who leaves does not think again.
window.addEventListener("pagehide", () => {
  for (const [id, timer] of pending) {
    clearTimeout(timer);
    fetch(address(`files/${id}`), { method: "DELETE", keepalive: true, headers: { ...credentials(), ...headersFor(id) } });
  }
  pending.clear();
});

// Large files: tus. What goes on after a reload is kept in this browser until the file is there.
import { absolute, address, api, credentials, Problem } from "../api.js";
import { loadScript } from "../dom.js";
import { session } from "../session.js";
import { forThisBrowser } from "../storage.js";
import { readProblem } from "./plain.js";

const SCRIPT = new URL("../../vendor/tus.min.js", import.meta.url).href;
const PREFIX = "fwb.upload.";
const KEPT_MS = 24 * 3600 * 1000;
const FOREVER = [0, 500, 1000, 2000, ...Array(200).fill(5000)];

/** Whose upload it is, what it is of, and how it is to be kept: another answer to any of it is another upload. */
function fingerprint(item) {
  const { name, size, lastModified } = item.file;
  const who = session.get().me?.user_id ?? 0;
  return JSON.stringify([who, name, size, lastModified, item.options]);
}

const storage = {
  async findAllUploads() {
    return [];
  },
  async findUploadsByFingerprint(print) {
    const kept = forThisBrowser.read(PREFIX + print, null);
    return kept ? [{ ...kept, urlStorageKey: PREFIX + print }] : [];
  },
  async removeUpload(key) {
    forThisBrowser.remove(key);
  },
  async addUpload(print, upload) {
    forThisBrowser.write(PREFIX + print, { ...upload, at: Date.now() });
    return PREFIX + print;
  },
};

/** Uploads that this browser began for this caller and did not end: `{key, name, size}`. */
export function unfinished() {
  const who = session.get().me?.user_id ?? 0;
  const found = [];
  for (const key of forThisBrowser.keys().filter((each) => each.startsWith(PREFIX))) {
    const kept = forThisBrowser.read(key, {});
    const [owner, name, size] = JSON.parse(key.slice(PREFIX.length));
    if (!kept.at || Date.now() - kept.at > KEPT_MS) forThisBrowser.remove(key);
    else if (owner === who) found.push({ key, name, size });
  }
  return found;
}

export const forget = (key) => forThisBrowser.remove(key);

/** The address of an upload as this page reaches it, whatever the service calls itself to others. */
const reached = (url) => address(`uploads/${url.split("/").pop()}`);

/** Send the file of an item, from where an earlier attempt ended. Resolves with the file that the service describes. */
export async function sendResumable(item, onProgress, onWaiting) {
  await loadScript(SCRIPT).catch(() => {
    throw new Problem({ code: "offline" });
  });
  if (item.state !== "sending") throw new Problem({ code: "stopped" });
  const result = {};
  return new Promise((resolve, reject) => {
    let isStopped = false;
    const upload = new window.tus.Upload(item.file, {
      endpoint: address("uploads"),
      metadata: metadataOf(item),
      fingerprint: async () => fingerprint(item),
      urlStorage: storage,
      removeFingerprintOnSuccess: true,
      retryDelays: FOREVER,
      headers: credentials(),
      onUploadUrlAvailable: () => {
        upload.url = reached(upload.url);
      },
      onProgress: (sent) => onProgress(sent),
      onAfterResponse: (_, response) => note(result, response),
      onShouldRetry: (error) => mayGoOn(error) && (onWaiting(problemOf(error)), true),
      onError: (error) => reject(problemOf(error)),
      onSuccess: () => describe(result, item).then(resolve, reject),
    });
    item.stop = () => {
      isStopped = true;
      upload.abort();
      reject(new Problem({ code: "stopped" }));
    };
    item.giveUp = () => upload.abort(true).catch(() => {});
    upload.findPreviousUploads().then((found) => {
      if (isStopped) return;
      if (found.length) {
        item.isResumed = true;
        upload.resumeFromPreviousUpload({ ...found[0], uploadUrl: reached(found[0].uploadUrl) });
      }
      upload.start();
    }, reject);
  });
}

function metadataOf(item) {
  const given = Object.entries(item.options).filter(([, value]) => value);
  return { filename: item.file.name, filetype: item.file.type, ...Object.fromEntries(given) };
}

function note(result, response) {
  result.fileId = response.getHeader("X-File-Id") || result.fileId;
  result.deleteToken = response.getHeader("X-Delete-Token") || result.deleteToken;
}

async function describe({ fileId, deleteToken }, item) {
  const bare = { file_id: fileId, filename: item.file.name, file_size: item.size, visibility: item.options.visibility };
  const file = await api.get(`files/${fileId}`).catch(() => ({ ...bare, download_url: `/download/${fileId}` }));
  return { ...file, delete_token: deleteToken, url: absolute(file.download_url) };
}

/** True where the same bytes may be taken in a moment: nobody answered, or somebody who asks to wait. */
function mayGoOn(error) {
  const status = error.originalResponse?.getStatus() ?? 0;
  return status === 0 || status === 409 || status === 423 || status === 429 || (status >= 500 && status !== 507);
}

function problemOf(error) {
  const answer = error.originalResponse;
  if (!answer) return new Problem({ code: error.originalRequest ? "offline" : "unreadable", detail: String(error.message) });
  return readProblem(answer.getStatus(), answer.getBody(), answer.getHeader("Retry-After"));
}

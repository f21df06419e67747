// Small files: one POST each, with an Idempotency-Key, so that it may be sent again whatever became of the first.
import { absolute, address, credentials, newKey, Problem } from "../api.js";

/** Send the file of an item once. `onProgress(bytes)`; resolves with the file that the service describes. */
export function sendPlain(item, onProgress) {
  item.key ??= newKey();
  const form = new FormData();
  for (const [name, value] of Object.entries(item.options)) if (value) form.append(name, value);
  form.append("file", item.file, item.file.name);
  const request = new XMLHttpRequest();
  item.stop = () => request.abort();
  return new Promise((resolve, reject) => {
    request.open("POST", address("upload"));
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Idempotency-Key", item.key);
    for (const [name, value] of Object.entries(credentials())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(Math.min(event.loaded, item.size));
    request.onload = () => (request.status === 201 ? resolve(fileOf(request)) : reject(problemOf(request)));
    request.onerror = () => whyNothingCame(item.file).then(reject);
    request.onabort = () => reject(new Problem({ code: "stopped" }));
    request.send(form);
  });
}

/** The problem where no answer came: a file that was changed or deleted since it was picked cannot be read. */
export async function whyNothingCame(file) {
  const code = await file.slice(0, 1).arrayBuffer().then(() => "offline", () => "unreadable");
  return new Problem({ code });
}

function fileOf(request) {
  const file = JSON.parse(request.responseText);
  return { ...file, url: absolute(file.download_url) };
}

function problemOf(request) {
  return readProblem(request.status, request.responseText, request.getResponseHeader("Retry-After"));
}

/** The problem of an answer that another library fetched. */
export function readProblem(status, text, retryAfter) {
  let told = {};
  try {
    told = JSON.parse(text);
  } catch {
    // A proxy in between answered in its own words, or nobody did.
  }
  const code = status ? `http_${status}` : "offline";
  return new Problem({ status, code, ...told }, Number(retryAfter) || 0);
}

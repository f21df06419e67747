// Addresses of private files that need no token: for pictures and downloads, good for some minutes.
import { absolute, api } from "../api.js";

const EARLY_MS = 30_000;
const issued = new Map();

/** `{url, view_url, thumbnail_url}` of a file; for one that is not private its own. Throws Problem. */
export async function addressesOf(file) {
  if (file.visibility !== "private") {
    const { download_url: url, view_url, thumbnail_url } = file;
    return { url: absolute(url), view_url: absolute(view_url), thumbnail_url: thumbnail_url && absolute(thumbnail_url) };
  }
  const known = await issued.get(file.file_id)?.catch(() => null);
  if (known && new Date(known.expires_at) - Date.now() > EARLY_MS) return known;
  const asked = api.post(`/api/v1/files/${file.file_id}/ticket`);
  issued.set(file.file_id, asked);
  return asked;
}

/** Fetch a file as a download, or show it in a window of its own. */
export async function open(file, { inline = false } = {}) {
  const target = inline ? window.open("about:blank", "_blank") : null;
  if (target) target.opener = null;
  try {
    const { url, view_url } = await addressesOf(file);
    (target ?? window).location.href = inline ? view_url : url;
  } catch (problem) {
    target?.close();
    throw problem;
  }
}

// Addresses of private files that need no token: for pictures and downloads, good for some minutes.
import { address, api, token } from "../api.js";
import { now } from "../clock.js";

const EARLY_MS = 30_000;
const issued = new Map();

/** `{download, view, thumbnail}`: addresses of a file for this page; those of one that is private need no token. They
 * are of the host that the page is from, whatever the service calls itself to others. Throws Problem. */
export async function addressesOf(file) {
  const id = file.file_id;
  if (file.visibility !== "private") {
    return { download: address(`download/${id}`), view: address(`view/${id}`), thumbnail: address(`thumbnail/${id}`) };
  }
  const { ticket } = await ticketFor(id);
  return { download: address(`t/${ticket}`), view: address(`t/${ticket}/view`), thumbnail: address(`t/${ticket}/thumbnail`) };
}

/** A ticket for a file that is good for a while: whoever signed in for the last one may not be here any more. */
async function ticketFor(id) {
  const key = `${token.get()} ${id}`;
  const known = await issued.get(key)?.catch(() => null);
  if (known && Date.parse(known.expires_at) - now() > EARLY_MS) return known;
  const asked = api.post(`/api/v1/files/${id}/ticket`);
  issued.set(key, asked);
  return asked;
}

/** Fetch a file as a download, or show it in a window of its own. */
export async function open(file, { inline = false } = {}) {
  const target = inline ? window.open("about:blank", "_blank") : null;
  if (target) target.opener = null;
  try {
    const { download, view } = await addressesOf(file);
    (target ?? window).location.href = inline ? view : download;
  } catch (problem) {
    target?.close();
    throw problem;
  }
}

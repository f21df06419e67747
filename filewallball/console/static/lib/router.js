// Addresses: each view has one, and what it shows is in its query, so that every state can be sent to a colleague.
import { ROOT } from "./api.js";
import { createStore, useStore } from "./dom.js";

const BASE = `${ROOT}console/`;

/** `{path, query}`: the path below /console/, and the query as an object. */
export const place = createStore(read());

function read() {
  const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : "";
  return { path: path.replace(/\/+$/, ""), query: Object.fromEntries(new URLSearchParams(location.search)) };
}

/** The address of a view. Values that are empty are left out. */
export function href(path, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const search = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  return BASE + path + (search ? `?${search}` : "");
}

/** Go to a view; `replace` leaves no step behind to come back to. */
export function navigate(path, query = {}, { replace = false } = {}) {
  const url = href(path, query);
  if (url === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", url);
  const before = place.get().path;
  place.set(read());
  if (!replace && before !== place.get().path) window.scrollTo(0, 0);
}

export const usePlace = () => useStore(place);

/** Change some values of the query of the present view. */
export function refine(changes, options) {
  const { path, query } = place.get();
  navigate(path, { ...query, ...changes }, options);
}

/** The route of a path and the values in it: `files/:id?` fits `files` and `files/1`. */
export function match(routes, path) {
  const words = path.split("/").filter(Boolean);
  for (const route of routes) {
    const params = fits(route.path.split("/").filter(Boolean), words);
    if (params) return { route, params };
  }
  return null;
}

function fits(pattern, words) {
  if (words.length > pattern.length) return null;
  const params = {};
  for (const [place, part] of pattern.entries()) {
    const word = words[place];
    if (part.startsWith(":")) {
      if (word === undefined && !part.endsWith("?")) return null;
      params[part.replace(/^:|\?$/g, "")] = word === undefined ? "" : decode(word);
    } else if (part !== word) {
      return null;
    }
  }
  return params;
}

function decode(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

window.addEventListener("popstate", () => place.set(read()));
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(BASE) || url.pathname.startsWith(`${BASE}assets/`)) return;
  if (url.hash) return;
  event.preventDefault();
  navigate(url.pathname.slice(BASE.length), Object.fromEntries(url.searchParams));
});

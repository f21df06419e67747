// The public JSON API, spoken to like any client does.
import { learnTime } from "./clock.js";
import { forThisWindow } from "./storage.js";

/** Where the service stands; this file lies four folders below it. */
export const ROOT = new URL("../../../../", import.meta.url).pathname;
const TOKEN = "fwb.token";

/** An answer that refuses, or that never came (`code` is then `offline`). */
export class Problem extends Error {
  constructor({ code, status, title, detail, request_id, errors }, retryAfter = 0) {
    super(detail || title || code);
    this.code = code || "internal_error";
    this.status = status || 0;
    this.title = title || "";
    this.detail = detail || "";
    this.requestId = request_id || "";
    this.errors = errors || {};
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may well succeed in a moment. */
  get mayPass() {
    if (this.code === "unreadable") return false;
    return this.status === 0 || this.status === 429 || this.status >= 500 || this.code === "idempotency_key_in_use";
  }
}

export const token = {
  get: () => forThisWindow.get(TOKEN) || "",
  set: (text) => forThisWindow.set(TOKEN, text),
  clear: () => forThisWindow.remove(TOKEN),
};

/** Told of each refusal of the token in use. */
let onTokenRefused = () => {};
export function watchToken(tell) {
  onTokenRefused = tell;
}

/** To be told of a request's refusal: one with a token that is still in use ends its use. */
export function tellOfRefusal(problem, used) {
  if (problem.status === 401 && used && used === token.get()) onTokenRefused(problem);
}

/** The headers that say who asks. */
export function credentials(bearer = token.get()) {
  return bearer ? { Authorization: `Bearer ${bearer}` } : {};
}

/** The address of a path of the service, with a query of those values that are set. */
export function address(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.append(name, String(value));
  }
  const text = search.toString();
  return ROOT + path.replace(/^\//, "") + (text ? `?${text}` : "");
}

/** A link that works outside this page; a path is one below the place of the service, whatever that is below. */
export function absolute(path) {
  return new URL(path.replace(/^\//, ""), location.origin + ROOT).href;
}

/** The problem that an answer tells of. */
export async function problemOf(response) {
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  let told = {};
  try {
    told = await response.json();
  } catch {
    // A proxy in between answered in its own words.
  }
  return new Problem({ status: response.status, code: `http_${response.status}`, ...told }, retryAfter);
}

/** Send a request; the Response, or throws Problem. `bearer` stands in for the token in use. */
export async function send(method, path, { query, body, json, headers = {}, signal, bearer } = {}) {
  const init = { method, signal, credentials: "omit", cache: "no-store", redirect: "error" };
  const used = bearer ?? token.get();
  init.headers = { Accept: "application/json", ...credentials(used), ...headers };
  if (json !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(json);
  } else if (body !== undefined) {
    init.body = body;
  }
  let response;
  try {
    response = await fetch(address(path, query), init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "offline" });
  }
  learnTime(response);
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (bearer === undefined) tellOfRefusal(problem, used);
  throw problem;
}

/** The JSON of an answer; nothing for an empty one. */
async function read(method, path, options) {
  const response = await send(method, path, options);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export const api = {
  get: (path, query, options) => read("GET", path, { query, ...options }),
  post: (path, json = {}, options) => read("POST", path, { json, ...options }),
  put: (path, json, options) => read("PUT", path, { json, ...options }),
  patch: (path, json, options) => read("PATCH", path, { json, ...options }),
  delete: (path, options) => read("DELETE", path, options),
  send,
};

/** 128 random bits, as an Idempotency-Key needs them. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

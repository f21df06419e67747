// Who uses the page: a token, asked for once and kept until the window is closed, or whoever the address lets in.
import { api, token, watchToken } from "./api.js";
import { createStore, useStore } from "./dom.js";

/** `me` is the answer of /api/v1/access/me; `status` is loading, ready or failed; `isAsking` while a token is asked for. */
export const session = createStore({ status: "loading", me: null, problem: null, isAsking: false });

/** Ask the service who this is. */
export async function begin() {
  try {
    const me = await api.get("/api/v1/access/me");
    session.set((now) => ({ ...now, status: "ready", me, problem: null }));
  } catch (problem) {
    if (token.get() && problem.status === 401) return;
    session.set((now) => ({ ...now, status: "failed", me: null, problem }));
  }
}

/** Use a token from now on. Throws the Problem of one that does not work, and keeps the former then. */
export async function signIn(text) {
  const me = await api.get("/api/v1/access/me", {}, { bearer: text });
  token.set(text);
  session.set({ status: "ready", me, problem: null, isAsking: false });
}

export async function signOut() {
  token.clear();
  session.set({ status: "loading", me: null, problem: null, isAsking: false });
  await begin();
}

export function askForToken(problem = null) {
  session.set((now) => ({ ...now, isAsking: true, problem }));
}

export function stopAsking() {
  session.set((now) => ({ ...now, isAsking: false, problem: null }));
}

watchToken(async (problem) => {
  token.clear();
  await begin();
  askForToken(problem);
});

/** The number of whoever the next request is made for; 0 without a token. */
export const whoAsks = () => (token.get() && session.get().me?.user_id) || 0;

export const useSession = () => useStore(session);

/** True of a caller without a token. */
export const isNobody = () => !session.get().me?.user_id;

/** True if the caller holds the permission, such as `file:upload`. */
export function may(permission) {
  return !permission || Boolean(session.get().me?.permissions.includes(permission));
}

/** True if a view has something to show to the caller. */
export const isOpen = (route) => may(route.permission) && !(route.isForUsers && isNobody());

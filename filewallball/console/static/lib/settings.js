// What the service lets everybody know of its settings, asked for once.
import { api } from "./api.js";

let asked = null;

/** The answer of /api/v1/console; a failure is forgotten, so that the next call asks again. */
export function settings() {
  asked ??= api.get("/api/v1/console").catch((problem) => {
    asked = null;
    throw problem;
  });
  return asked;
}

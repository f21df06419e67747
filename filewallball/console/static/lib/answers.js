// Answers of the API as the state of a component.
import { api } from "./api.js";
import { useLoad } from "./states.js";

/** What `GET path?query` answers, asked again when either changes, and every so many seconds. */
export function useAnswer(path, query = {}, options = {}) {
  return useLoad((signal) => api.get(path, query, { signal }), [path, JSON.stringify(query)], options);
}

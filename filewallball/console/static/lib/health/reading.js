// The health routes: their answer counts as well where its status is 503, for the service says what is wrong.
import { address, credentials, Problem, problemOf } from "../api.js";

/** The body of GET /health or /health/detailed. Throws Problem where no body tells of checks. */
export async function readHealth(path, signal) {
  let response;
  try {
    response = await fetch(address(path), { headers: { Accept: "application/json", ...credentials() }, credentials: "omit", cache: "no-store", signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Problem({ code: "offline" });
  }
  if (!response.ok && response.status !== 503) throw await problemOf(response);
  const body = await response.json().catch(() => ({}));
  if (!body.checks && !body.services) throw new Problem({ ...body, status: response.status });
  return body;
}

// The time as the service has it: the clock of the reader may be wrong by days.
const CLOSE_MS = 5000; // the header counts whole seconds, and its way here takes some more
let ahead = 0;

/** Learn from an answer how far the reader's clock is off. */
export function learnTime(response) {
  const off = Date.parse(response.headers.get("Date")) - Date.now();
  if (!Number.isNaN(off)) ahead = Math.abs(off) > CLOSE_MS ? off : 0;
}

/** Milliseconds since 1970, by the clock of the service. */
export const now = () => Date.now() + ahead;

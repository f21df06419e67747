// Moments between the address (UTC) and the fields of forms (the reader's own time).

/** `2026-11-28T19:00:00`, the reader's time, for a field of type datetime-local; empty for what is no moment. */
export function localTime(text) {
  const moment = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (!text || Number.isNaN(moment.getTime())) return "";
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}

/** `2026-11-28T10:00:00Z` for milliseconds or for the reader's time as a form gives it. */
export const utcTime = (moment) => `${new Date(moment).toISOString().slice(0, 19)}Z`;

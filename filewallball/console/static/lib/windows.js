// The windows of time that views look back on, in days.
import { now } from "./clock.js";

const HOUR_MS = 3_600_000;

export const WINDOWS = [1, 7, 30, 90];

/** The window that an address names; a day without one. */
export const windowOf = (text) => (WINDOWS.includes(Number(text)) ? Number(text) : WINDOWS[0]);

/** The beginning of a window, which moves on with each hour: `2026-11-28T10:00:00Z`. */
export function windowStart(days) {
  const hour = Math.floor(now() / HOUR_MS) * HOUR_MS;
  return new Date(hour - days * 24 * HOUR_MS).toISOString().replace(".000", "");
}

// Sizes, times, durations and numbers as the reader's language writes them.
import { now } from "./clock.js";
import { html } from "./dom.js";
import { locale } from "./i18n.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

const formatters = new Map();

/** A formatter of the reader's language, made once: making one costs more than using it a hundred times. */
function formatter(Kind, options) {
  const key = `${Kind.name} ${locale.get()} ${JSON.stringify(options)}`;
  if (!formatters.has(key)) formatters.set(key, new Kind(locale.get(), options));
  return formatters.get(key);
}

export function numberText(value, options = {}) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return formatter(Intl.NumberFormat, options).format(value);
}

/** `1.4 GiB`: three digits at most. */
export function sizeText(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  let value = Number(bytes);
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${numberText(value, { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

export const percentText = (share, digits = 1) =>
  numberText(share, { style: "percent", maximumFractionDigits: digits });

const STEPS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** `3 min 20 sec`, `340 ms`: two units at most. */
export function durationText(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(Number(seconds))) return "–";
  const whole = Number(seconds);
  if (whole < 1) return `${numberText(whole * 1000, { maximumFractionDigits: whole < 0.01 ? 1 : 0 })} ms`;
  if (whole < 10) return unitText(whole, "second", 1);
  let rest = Math.round(whole);
  const parts = [];
  for (const [unit, length] of STEPS) {
    const count = Math.floor(rest / length);
    if (count) parts.push(unitText(count, unit, 0));
    if (parts.length && (parts.length === 2 || !count)) break;
    rest -= count * length;
  }
  return parts.join(" ");
}

function unitText(value, unit, digits) {
  return numberText(value, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits });
}

/** A moment in the reader's time zone. `style` is `short` (no year this year), `date` or `full`. */
export function timeText(moment, style = "short") {
  if (!moment) return "–";
  const when = new Date(moment);
  if (Number.isNaN(when.getTime())) return String(moment);
  const isThisYear = when.getFullYear() === new Date(now()).getFullYear();
  const date = { month: "short", day: "numeric", ...(isThisYear && style === "short" ? {} : { year: "numeric" }) };
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(style === "full" ? { second: "2-digit" } : {}) };
  return formatter(Intl.DateTimeFormat, style === "date" ? date : { ...date, ...clock }).format(when);
}

/** `in 3 days`, `2 hours ago`. */
export function relativeText(moment) {
  const seconds = (new Date(moment).getTime() - now()) / 1000;
  const [unit, length] = STEPS.find(([, each]) => Math.abs(seconds) >= each) ?? STEPS[3];
  const count = Math.trunc(seconds / length);
  return formatter(Intl.RelativeTimeFormat, { numeric: "auto", style: "short" }).format(count, unit);
}

const utcText = (moment) => new Date(moment).toISOString().replace("T", " ").replace("Z", " UTC");

const Num = ({ value, ...options }) => html`<span class="number">${numberText(value, options)}</span>`;
export { Num };

export const Size = ({ bytes }) =>
  html`<span class="number" title=${`${numberText(bytes)} B`}>${sizeText(bytes)}</span>`;

/** A moment: the reader's time, UTC on hover. */
export const Time = ({ value, style = "short", relative = false }) => {
  if (!value || Number.isNaN(new Date(value).getTime())) return html`<span class="quiet">–</span>`;
  const text = relative ? relativeText(value) : timeText(value, style);
  return html`<time class="number" datetime=${value} title=${utcText(value)}>${text}</time>`;
};

export const Duration = ({ seconds }) => html`<span class="number">${durationText(seconds)}</span>`;

// The state of each dependency now, with its figures.
import { Facts } from "../controls.js";
import { html } from "../dom.js";
import { Time, durationText, numberText, sizeText } from "../format.js";
import { has, t } from "../i18n.js";
import { Sent } from "../panels.js";
import { href } from "../router.js";
import { Loaded, useLoad } from "../states.js";
import { HealthState, checkText } from "./states.js";
import { readHealth } from "./reading.js";

const EVERY_SECONDS = 10;
const NAMES = { database_connection: "database", redis_connection: "redis", file_system: "storage" };

export function Dependencies() {
  const load = (signal) => Promise.all([readHealth("/health", signal), readHealth("/health/detailed", signal)]);
  const state = useLoad(load, [], { every: EVERY_SECONDS });
  return html`<${Loaded} state=${state} rows="8">
    ${([summary, detailed]) =>
      html`<${Whole} summary=${summary} />
        <${Checks} checks=${flat(detailed.checks)} />`}
  <//>`;
}

const Whole = ({ summary }) =>
  html`<div class="whole" data-status=${summary.status} role="status">
    <strong><${HealthState} status=${summary.status} /></strong>
    <span>${t(`health.whole_${summary.status}`)}</span>
    <span class="quiet">
      ${t("health.version", { version: summary.version })} · ${t("health.uptime", { time: uptimeText(summary.uptime) })} · ${" "}<${Time} value=${summary.timestamp} style="full" />
    </span>
  </div>`;

/** `2h 3m 4s`, as the health routes write it. */
function uptimeText(text) {
  const lengths = { h: 3600, m: 60, s: 1 };
  const parts = [...String(text).matchAll(/(\d+)([hms])/g)];
  return parts.length ? durationText(parts.reduce((sum, [, count, unit]) => sum + count * lengths[unit], 0)) : text;
}

/** The checks by name; those of external services stand beside the others. The worst come first. */
function flat(checks) {
  const { external_services: external, ...own } = checks;
  const all = [...Object.entries(own), ...Object.entries(external?.details ?? {})];
  return all.sort(([, a], [, b]) => rank(b) - rank(a));
}

const Checks = ({ checks }) => {
  const unused = checks.filter(([, { status }]) => status === "disabled");
  const used = checks.filter((check) => !unused.includes(check));
  return html`<ul class="checks">
      ${used.map(([name, check]) => html`<${Check} key=${name} name=${name} check=${check} />`)}
    </ul>
    ${unused.length > 0 && html`<p class="quiet">${t("health.not_in_use", { names: unused.map(([name]) => checkText(name)).join(", ") })}</p>`}`;
};

const rank = ({ status }) => ["disabled", "healthy", "degraded", "unhealthy"].indexOf(status);

function Check({ name, check }) {
  const facts = Object.entries(check.details ?? {}).map(([key, value]) => [factText(key), key.endsWith("_seconds") ? durationText(value) : valueText(value)]);
  return html`<li class="check" data-status=${check.status}>
    <div class="spread">
      <h2>${checkText(name)}</h2>
      <${HealthState} status=${check.status} />
    </div>
    ${check.error && html`<p class="check-error"><${Sent} text=${check.error} /></p>`}
    <${Facts} facts=${[[t("health.response_time"), secondsText(check.response_time)], ...facts]} />
    <p class="onward"><a href=${href("health/history", { dependency: NAMES[name] ?? name })}>${t("health.its_history")}</a></p>
  </li>`;
}

const factText = (key) => (has(`health.fact_${key}`) ? t(`health.fact_${key}`) : key.replaceAll("_", " "));

function valueText(value) {
  if (typeof value === "number") return numberText(value, { maximumFractionDigits: 3 });
  if (typeof value === "string" || value === null) return value && measureText(value);
  return typeof value === "boolean" ? t(value ? "common.yes" : "common.no") : JSON.stringify(value);
}

/** Counts and sizes (`252GB`, counted by 1024 as the health routes do) as the reader's language writes them. */
function measureText(text) {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMGTP]?B)?$/.exec(text) ?? [];
  if (!number) return text;
  return unit ? sizeText(number * 1024 ** "BKMGTP".indexOf(unit[0])) : numberText(Number(number));
}

/** `0.002s`, as the health routes write it, in milliseconds. */
const secondsText = (text) => text && `${numberText(Number.parseFloat(text) * 1000)} ms`;

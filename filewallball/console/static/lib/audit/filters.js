// The form that narrows the audit log; what it says stands in the address.
import { now as serviceTime } from "../clock.js";
import { Field } from "../controls.js";
import { html, useState } from "../dom.js";
import { t } from "../i18n.js";
import { localTime, utcTime } from "../moments.js";
import { href, navigate, place, usePlace } from "../router.js";
import { ACTIONS, RESOURCES, STATUSES, VERBS } from "./vocabulary.js";

const FIRST = ["date_from", "date_to", "action", "status", "ip_address", "q"];
const FURTHER = ["user_id", "resource_type", "resource_id", "error_type", "request_id", "link_id", "trace_id"];
const TIMES = ["date_from", "date_to"];
const WIDE = "(min-width: 40.01rem)";
const DAY_MS = 86_400_000;
const PERIODS = { hour: 1 / 24, day: 1, week: 7, month: 30 };

/** The filters that an address names. */
export function filtersOf(query) {
  const named = [...FIRST, ...FURTHER].filter((name) => query[name]);
  return Object.fromEntries(named.map((name) => [name, query[name]]));
}

/** The form. `errors` are what the service says about single filters. */
export function Filters({ filters, errors = {} }) {
  const { query } = usePlace();
  const isFurther = FURTHER.some((name) => filters[name] || errors[name]);
  const [isOpen] = useState(() => matchMedia(WIDE).matches || Object.keys(filters).length > 0);
  const apply = (event) => {
    event.preventDefault();
    navigate("audit", { ...chosen(event.target), size: query.size });
  };
  return html`<search>
    <details class="fold" open=${isOpen}>
      <summary>${t("audit.filters")}</summary>
      <form class="narrowing" onSubmit=${apply}>
        <${Fields} names=${FIRST} ...${{ filters, errors }} />
        <details open=${isFurther}>
          <summary>${t("audit.more_filters")}</summary>
          <${Fields} names=${FURTHER} ...${{ filters, errors }} />
        </details>
        <div class="form-row">
          <button type="submit">${t("common.filter")}</button>
          ${Object.keys(filters).length > 0 && html`<a href=${href("audit", { size: query.size })}>${t("common.clear_filter")}</a>`}
          <${Periods} filters=${filters} size=${query.size} />
        </div>
      </form>
    </details>
  </search>`;
}

const Fields = ({ names, ...told }) =>
  html`<div class="fields">${names.map((name) => html`<${Filter} key=${name} name=${name} ...${told} />`)}</div>`;

/** Links to the last hour, day, week and month under the same filters. */
function Periods({ filters, size }) {
  const [now] = useState(serviceTime);
  const since = (days) => href("audit", { ...filters, size, date_from: utcTime(now - days * DAY_MS), date_to: utcTime(now) });
  return html`<nav class="periods" aria-label=${t("audit.periods")}>
    ${Object.entries(PERIODS).map(([name, days]) => html`<a key=${name} href=${since(days)}>${t(`audit.last_${name}`)}</a>`)}
  </nav>`;
}

/** What the form says; a time that was not touched keeps its fractions of a second. */
function chosen(form) {
  const { query } = place.get();
  const values = [...new FormData(form)].map(([name, text]) => [name, text.trim()]).filter(([, text]) => text);
  const kept = (name, text) => (TIMES.includes(name) ? (text === localTime(query[name]) ? query[name] : utcTime(text)) : text);
  return Object.fromEntries(values.map(([name, text]) => [name, kept(name, text)]));
}

const Filter = ({ name, filters, errors }) =>
  html`<${Field} label=${t(`audit.${name}`)} error=${[].concat(errors[name] ?? []).join(" ")}>
    ${(attributes) => control(name, filters[name] ?? "", attributes)}
  <//>`;

function control(name, value, attributes) {
  if (TIMES.includes(name)) {
    return html`<input ...${attributes} name=${name} type="datetime-local" step="1" defaultValue=${localTime(value)} />`;
  }
  const groups = {
    action: [[t("audit.verbs"), VERBS], [t("audit.actions"), ACTIONS]],
    status: [["", STATUSES]],
    resource_type: [["", RESOURCES]],
  };
  if (name in groups) return select(name, value, groups[name], attributes);
  return html`<input
    ...${attributes}
    name=${name}
    type=${name === "q" ? "search" : "text"}
    inputmode=${name === "user_id" ? "numeric" : undefined}
    placeholder=${t(`audit.${name}_example`)}
    defaultValue=${value}
    autocomplete="off"
    spellcheck="false"
  />`;
}

function select(name, value, groups, attributes) {
  const option = (each) =>
    html`<option key=${each} value=${each} selected=${each === value}>
      ${each.includes(":") ? each : t(`audit.${name}_${each}`)}
    </option>`;
  return html`<select ...${attributes} name=${name}>
    <option value="" selected=${!value}>${t("audit.any")}</option>
    ${groups.map(([label, values]) =>
      label ? html`<optgroup key=${label} label=${label}>${values.map(option)}</optgroup>` : values.map(option),
    )}
  </select>`;
}

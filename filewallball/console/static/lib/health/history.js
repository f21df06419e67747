// How each dependency was: a strip of its states over time, and every change of them.
import { useAnswer } from "../answers.js";
import { now as serviceTime } from "../clock.js";
import { html } from "../dom.js";
import { Time, durationText, percentText, timeText } from "../format.js";
import { t } from "../i18n.js";
import { List } from "../list.js";
import { Choice, Code, Panel, Sent } from "../panels.js";
import { href } from "../router.js";
import { Empty, Loaded } from "../states.js";
import { WINDOWS, windowOf } from "../windows.js";
import { HealthState, checkText } from "./states.js";
import { stripsOf } from "./strips.js";

const PATH = "/api/v1/health/history";
const MOST = 500;
const SIZE = 50;
const DAY_MS = 86_400_000;

export function History({ query }) {
  const { dependency = "", cursor = "" } = query;
  const days = windowOf(query.days);
  const drawn = useAnswer(PATH, { dependency, limit: MOST }, { every: 30 });
  const listed = useAnswer(PATH, { dependency, cursor, limit: SIZE });
  const choice = html`<${Choice}
    label=${t("health.window")}
    values=${WINDOWS.map((each) => [each, t(`health.window_${each}`)])}
    current=${days}
    address=${(each) => href("health/history", { ...query, days: each })}
  />`;
  return html`<div class="stack">
    ${dependency && html`<p class="trail"><a href=${href("health/history", { days })}>${t("health.history_all")}</a></p>`}
    <${Panel} title=${dependency ? t("health.history_of", { name: checkText(dependency) }) : t("health.history")} actions=${choice}>
      <${Loaded} state=${drawn} rows="6" isEmpty=${(value) => value.changes.length === 0} empty=${html`<${Nothing} />`}>
        ${(value) => html`<${Strips} changes=${value.changes} days=${days} query=${query} />`}
      <//>
    <//>
    <${Panel} title=${t("health.changes")} note=${t("health.history_note")}>
      <${List}
        label=${t("health.changes")}
        state=${listed}
        rows=${(value) => value.changes}
        rowKey=${(row) => `${row.changed_at} ${row.host} ${row.dependency}`}
        empty=${t("health.history_none")}
        columns=${columns(listed.value?.changes ?? [], cursor)}
        cursor=${cursor}
      />
    <//>
  </div>`;
}

const Nothing = () => html`<${Empty} icon="check" title=${t("health.history_none")} text=${t("health.history_none_text")} />`;

function Strips({ changes, days, query }) {
  const now = serviceTime();
  const strips = stripsOf(changes, now - days * DAY_MS, now);
  const hasHosts = new Set(strips.map(({ host }) => host)).size > 1;
  return html`<ul class="strips">
      ${strips.map(
        ({ host, dependency, parts, healthy }) =>
          html`<li key=${`${host} ${dependency}`}>
            <a href=${href("health/history", { ...query, dependency, cursor: "" })}>${checkText(dependency)}</a>
            ${hasHosts && html`<${Code} text=${host} />`}
            <span class="strip" aria-hidden="true">
              ${parts.map(
                ({ status, from, to, share }) =>
                  html`<span key=${from} data-status=${status} style=${{ flexGrow: share }} title=${`${timeText(from)} – ${timeText(to)}`}></span>`,
              )}
            </span>
            <span class="number">${healthy === null ? "–" : t("health.healthy_share", { share: percentText(healthy, 2) })}</span>
          </li>`,
      )}
    </ul>
    <p class="strip-scale quiet number" aria-hidden="true"><span>${timeText(now - days * DAY_MS)}</span><span>${t("health.until_now")}</span></p>`;
}

/** How long a state lasted is told by the change after it, which stands above it on the same page. */
function columns(changes, cursor) {
  const lasted = (row) => {
    const later = changes.slice(0, changes.indexOf(row)).findLast((each) => each.host === row.host && each.dependency === row.dependency);
    if (later) return durationText((Date.parse(later.changed_at) - Date.parse(row.changed_at)) / 1000);
    return cursor ? "–" : t("health.still");
  };
  return [
    { key: "when", label: t("health.from"), render: (row) => html`<${Time} value=${row.changed_at} style="full" />` },
    { key: "name", label: t("health.dependency"), isTitle: true, render: (row) => checkText(row.dependency) },
    { key: "state", label: t("health.state"), render: (row) => html`<${HealthState} status=${row.status} />` },
    { key: "lasted", label: t("health.lasted"), render: lasted },
    { key: "why", label: t("health.why"), render: (row) => row.error && html`<${Sent} text=${row.error} />` },
    { key: "host", label: t("health.host"), wide: true, render: (row) => html`<${Code} text=${row.host} />` },
  ];
}

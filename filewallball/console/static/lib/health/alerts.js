// Alerts that fire and those that are over, each with what the runbook says.
import { useAnswer } from "../answers.js";
import { Facts } from "../controls.js";
import { html } from "../dom.js";
import { Time, relativeText } from "../format.js";
import { has, t } from "../i18n.js";
import { List, pageOf } from "../list.js";
import { Dialog } from "../overlays.js";
import { Code, Panel, Sent, State } from "../panels.js";
import { href, refine } from "../router.js";
import { Empty, Loaded } from "../states.js";
import { Runbook } from "./runbook.js";
import { Severity } from "./states.js";

const SIZE = 50;

export function Alerts({ query }) {
  const firing = useAnswer("/api/v1/alerts", { status: "firing", size: 100 }, { every: 15 });
  return html`<div class="stack">
    <${Panel} title=${t("health.firing")}>
      <${Loaded} state=${firing} rows="4" isEmpty=${(value) => value.alerts.length === 0}
        empty=${html`<${Empty} icon="check" title=${t("health.nothing_fires")} text=${t("health.nothing_fires_text")} />`}>
        ${(value) => html`<ul class="alerts">${worstFirst(value.alerts).map((alert) => html`<li key=${alert.id}><${Firing} alert=${alert} /></li>`)}</ul>`}
      <//>
    <//>
    <${Past} query=${query} />
  </div>`;
}

const SEVERITIES = ["critical", "warning"];

/** Whoever is called out of bed sees first what cannot wait; the order is else that of the service. */
const rank = ({ severity }) => SEVERITIES.indexOf(severity) + 1 || SEVERITIES.length + 1;
const worstFirst = (alerts) => alerts.toSorted((one, other) => rank(one) - rank(other));

/** What fires, and beside it what to do. */
const Firing = ({ alert }) =>
  html`<article class="alert" data-severity=${alert.severity}>
    <div>
      <header class="spread">
        <h3><${Sent} text=${alert.name} /></h3>
        <${Severity} text=${alert.severity} />
      </header>
      <p>${t("health.since")} <${Time} value=${alert.starts_at} /> (${relativeText(alert.starts_at)})</p>
      <${Told} alert=${alert} />
    </div>
    <${Runbook} alert=${alert} />
  </article>`;

/** What Alertmanager told: annotations as text, labels as facts. */
const Told = ({ alert }) =>
  html`${["summary", "description"].filter((name) => alert.annotations[name]).map((name) => html`<p key=${name}><${Sent} text=${alert.annotations[name]} /></p>`)}
    <${Facts}
      facts=${[
        ...Object.entries(alert.labels)
          .filter(([name]) => !["alertname", "severity"].includes(name))
          .map(([name, value]) => [name, html`<${Code} text=${value} />`]),
        [t("health.last_heard"), html`<${Time} value=${alert.last_heard_at} />`],
        ...alert.sms.map((sms) => [t("health.sms"), smsText(sms)]),
      ]}
    />`;

function smsText(sms) {
  const state = has(`health.sms_${sms.state}`) ? t(`health.sms_${sms.state}`) : sms.state;
  return html`${state} (${t("health.attempts", { count: sms.attempts })})${sms.sent_at && html` <${Time} value=${sms.sent_at} />`}`;
}

function Past({ query }) {
  const page = pageOf(query);
  const state = useAnswer("/api/v1/alerts", { status: "resolved", name: query.name, page, size: SIZE });
  const opened = query.open && state.value?.alerts.find((alert) => String(alert.id) === query.open);
  return html`<${Panel} title=${t("health.past")} actions=${html`<${NameFilter} name=${query.name} />`}>
    <${List} label=${t("health.past")} state=${state} rows=${(value) => value.alerts} page=${page} size=${SIZE}
      empty=${t(query.name ? "health.none_of_name" : "health.nothing_fired")} columns=${columns()} current=${opened?.id}
      onOpen=${(alert) => refine({ open: alert.id })} />
    ${opened &&
    html`<${Dialog} side title=${opened.name} onClose=${() => refine({ open: "" }, { replace: true })}>
      <p><${Severity} text=${opened.severity} /> <${Time} value=${opened.starts_at} style="full" /> – <${Time} value=${opened.ends_at} style="full" /></p>
      <${Told} alert=${opened} />
      <${Runbook} alert=${opened} />
    <//>`}
  <//>`;
}

const columns = () => [
  { key: "name", label: t("health.alert"), isTitle: true, render: (row) => html`<${Sent} text=${row.name} />` },
  { key: "severity", label: t("health.severity"), render: (row) => html`<${Severity} text=${row.severity} />` },
  { key: "state", label: t("health.state"), render: () => html`<${State} tone="ok">${t("health.resolved")}<//>` },
  { key: "from", label: t("health.from"), render: (row) => html`<${Time} value=${row.starts_at} />` },
  { key: "to", label: t("health.to"), render: (row) => html`<${Time} value=${row.ends_at} />` },
  { key: "summary", label: t("health.summary"), wide: true, render: (row) => html`<${Sent} text=${row.annotations.summary ?? ""} />` },
];

/** Only alerts of one name. */
function NameFilter({ name = "" }) {
  const apply = (event) => {
    event.preventDefault();
    refine({ name: new FormData(event.target).get("name").trim(), page: "", open: "" });
  };
  return html`<form class="inline-form" key=${name} onSubmit=${apply}>
    <input type="search" name="name" defaultValue=${name} maxlength="128" aria-label=${t("health.alert_name")} placeholder=${t("health.alert_name")} autocomplete="off" spellcheck="false" />
    <button type="submit" data-kind="plain">${t("common.filter")}</button>
    ${name && html`<a href=${href("health/alerts")}>${t("common.clear_filter")}</a>`}
  </form>`;
}

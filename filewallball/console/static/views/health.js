// Health and alerts: each dependency and its history, what fires and what fired, with the runbook beside it.
import { PageHead, Tabs } from "../lib/controls.js";
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { href } from "../lib/router.js";
import { Alerts } from "../lib/health/alerts.js";
import { Dependencies } from "../lib/health/dependencies.js";
import { History } from "../lib/health/history.js";

const PARTS = { now: Dependencies, history: History, alerts: Alerts };

export default function Health({ params, query }) {
  const current = params.tab in PARTS ? params.tab : "now";
  const tabs = Object.keys(PARTS).map((id) => ({
    id,
    label: t(`health.${id}`),
    href: href(id === "now" ? "health" : `health/${id}`),
  }));
  const View = PARTS[current];
  return html`<div class="dense">
    <${PageHead} title=${t("health.title")} text=${t("health.text")} />
    <${Tabs} label=${t("health.title")} tabs=${tabs} current=${current} />
    <${View} key=${current} query=${query} />
  </div>`;
}

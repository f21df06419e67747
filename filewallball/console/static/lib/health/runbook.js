// What the runbook says about an alert.
import { html } from "../dom.js";
import { t } from "../i18n.js";
import { Markdown } from "../markdown.js";

/** The section of the alert's name, which is in English, and the way to the whole runbook. */
export const Runbook = ({ alert }) =>
  html`<aside class="runbook" aria-label=${t("health.runbook_of", { name: alert.name })}>
    <h3>${t("health.runbook")}</h3>
    ${alert.runbook
      ? html`<div lang="en"><${Markdown} text=${alert.runbook} /></div>
          <p><a href=${alert.runbook_url} target="_blank" rel="noopener">${t("health.runbook_whole")}</a></p>`
      : html`<p class="quiet">${t("health.runbook_none")}</p>`}
  </aside>`;

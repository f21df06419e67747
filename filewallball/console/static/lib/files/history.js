// What became of a file: who fetched it, when, from where and by which link, newest first.
import { api } from "../api.js";
import { html, useState } from "../dom.js";
import { t } from "../i18n.js";
import { Badge } from "../controls.js";
import { Loaded, useLoad } from "../states.js";
import { DataTable } from "../table.js";
import { Time } from "../format.js";

const TONES = { success: "ok", failed: "danger", denied: "warn" };

export function History({ id }) {
  const [cursor, setCursor] = useState("");
  const state = useLoad(() => api.get(`files/${id}/history`, { cursor }), [id, cursor]);
  return html`<section class="stack" aria-label=${t("files.history")}>
    <h3>${t("files.history")}</h3>
    <${Loaded} state=${state} rows="4" isEmpty=${(page) => !page.events.length} empty=${html`<p class="quiet">${t("files.no_history")}</p>`}>
      ${(page) =>
        html`<${DataTable} caption=${t("files.history")} columns=${columns()} rows=${page.events} rowKey=${(row) => row.event_id ?? row.id} />
          <div class="row">
            ${cursor && html`<button type="button" data-kind="plain" onClick=${() => setCursor("")}>${t("common.first_page")}</button>`}
            ${page.next_cursor && html`<button type="button" data-kind="plain" onClick=${() => setCursor(page.next_cursor)}>${t("common.next")}</button>`}
          </div>`}
    <//>
  </section>`;
}

const columns = () => [
  {
    key: "what",
    label: t("files.what"),
    isTitle: true,
    render: (row) =>
      html`<span class="row"><code>${row.action}</code>${row.status !== "success" && html`<${Badge} tone=${TONES[row.status]}>${row.error_code || row.status}<//>`}</span>`,
  },
  { key: "who", label: t("files.who"), render: (row) => html`<span class="break">${whoOf(row)}</span>` },
  { key: "when", label: t("files.when"), align: "end", render: (row) => html`<${Time} value=${row.timestamp} />` },
];

const whoOf = (row) => [row.username || t("common.anonymous"), row.ip_address, row.link_name].filter(Boolean).join(" · ");

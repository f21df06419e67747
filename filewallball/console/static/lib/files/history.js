// What became of a file: who fetched it, when, from where and by which link, newest first.
import { api } from "../api.js";
import { html, useState } from "../dom.js";
import { has, t } from "../i18n.js";
import { Badge } from "../controls.js";
import { codeText, Loaded, useLoad } from "../states.js";
import { DataTable } from "../table.js";
import { Time } from "../format.js";
import { href } from "../router.js";

const ACTORS = ["anonymous", "system"];
const TONES = { success: "ok", failed: "danger", denied: "warn" };

export function History({ id }) {
  const [{ include, cursor }, setPlace] = useState({ include: "downloads", cursor: "" });
  const state = useLoad(() => api.get(`files/${id}/history`, { include, cursor }), [id, include, cursor]);
  const setCursor = (next) => setPlace({ include, cursor: next });
  return html`<section class="stack" aria-label=${t("files.history")}>
    <div class="spread">
      <h3>${t("files.history")}</h3>
      <select class="small-select" aria-label=${t("files.history_of")} value=${include} onChange=${(event) => setPlace({ include: event.target.value, cursor: "" })}>
        ${["downloads", "changes", "all"].map((each) => html`<option key=${each} value=${each}>${t(`files.history_${each}`)}</option>`)}
      </select>
    </div>
    <${Loaded} state=${state} rows="4" isEmpty=${(page) => !page.events.length} empty=${html`<p class="quiet">${t("files.no_history")}</p>`}>
      ${(page) =>
        html`<${DataTable} caption=${t("files.history")} columns=${columns()} rows=${page.events} rowKey=${(row) => `${row.request_id} ${row.action} ${row.timestamp}`} />
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
      html`<span class="row">
          <span>${has(`files.did_${row.action}`) ? t(`files.did_${row.action}`) : row.action}</span>
          ${row.count > 1 && html`<${Badge}>× ${row.count}<//>`}
          ${row.status !== "success" && html`<${Badge} tone=${TONES[row.status]}>${codeText(row.error_type || row.status)}<//>`}
          ${row.complete === false && html`<${Badge} tone="warn">${t("files.broken_off")}<//>`}
          ${row.sent_by_nginx && html`<${Badge}>${t("files.by_nginx")}<//>`}
        </span>
        ${row.changes && html`<${Changed} changes=${row.changes} />`}`,
  },
  { key: "who", label: t("files.who"), render: (row) => html`<${Who} row=${row} />` },
  { key: "when", label: t("files.when"), align: "end", render: (row) => html`<${Time} value=${row.timestamp} />` },
];

const Who = ({ row }) =>
  html`<span class="break">${ACTORS.includes(row.actor) ? t(`files.actor_${row.actor}`) : row.actor}</span>
    ${row.address && html` <span class="quiet break">${row.address}</span>`}
    ${row.link_id && html` <a href=${href(`links/${row.link_id}`)}>${t("files.by_link")}</a>`}`;

const Changed = ({ changes }) =>
  html`<ul class="plain-list quiet small">
    ${Object.entries(changes).map(([name, change]) => html`<li key=${name} class="break">${name}: ${shown(change.old)} → ${shown(change.new)}</li>`)}
  </ul>`;

const shown = (value) => (value === null || value === "" || value === undefined ? "–" : String(value));

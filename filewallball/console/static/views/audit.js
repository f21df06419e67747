// The audit log: every filter of the API in the address, rows that open, the story of a request, export.
import { useAnswer } from "../lib/answers.js";
import { PageHead } from "../lib/controls.js";
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { List } from "../lib/list.js";
import { refine } from "../lib/router.js";
import { columns } from "../lib/audit/columns.js";
import { EventSheet } from "../lib/audit/event.js";
import { Export } from "../lib/audit/export.js";
import { Filters, filtersOf } from "../lib/audit/filters.js";
import { Integrity } from "../lib/audit/integrity.js";
import { Story } from "../lib/audit/story.js";
import { Total } from "../lib/audit/total.js";

const SIZES = ["50", "100", "200", "500"];

export default function Audit({ params, query }) {
  return params.id ? html`<${Story} requestId=${params.id} />` : html`<${Log} query=${query} />`;
}

function Log({ query }) {
  const filters = filtersOf(query);
  const named = JSON.stringify(filters);
  const size = SIZES.includes(query.size) ? query.size : SIZES[0];
  const state = useAnswer("/api/v1/audit/logs", { ...filters, size, cursor: query.cursor, total: "false" });
  const opened = query.open && state.value?.logs.find((row) => String(row.id) === query.open);
  return html`<div class="dense">
    <${PageHead} title=${t("audit.title")} text=${html`<${Integrity} />`}><${Export} filters=${filters} /><//>
    <${Filters} key=${named} filters=${filters} errors=${state.problem?.errors} />
    <${List}
      label=${t("audit.title")}
      state=${state}
      rows=${(value) => value.logs}
      columns=${columns()}
      empty=${t(named === "{}" ? "audit.none" : "audit.none_match")}
      current=${opened?.id}
      cursor=${query.cursor ?? ""}
      foot=${html`<${Total} key=${named} filters=${filters} /><${Size} size=${size} />`}
      onOpen=${(row) => refine({ open: row.id })}
    />
    ${opened && html`<${EventSheet} row=${opened} onClose=${() => refine({ open: "" }, { replace: true })} />`}
  </div>`;
}

const Size = ({ size }) =>
  html`<label class="inline">
    <span>${t("audit.rows_per_page")}</span>
    <select value=${size} onChange=${(event) => refine({ size: event.target.value, cursor: "", open: "" })}>
      ${SIZES.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
    </select>
  </label>`;

// The columns of a list of events.
import { html } from "../dom.js";
import { Time, numberText } from "../format.js";
import { t } from "../i18n.js";
import { Code, Sent, State } from "../panels.js";

const TONES = { success: "ok", failed: "danger", denied: "warn" };

// A long page has thousands of cells: what fills them is called, for as components they would cost twice as much.

/** An outcome in a word, and how many equal refusals the row stands for. */
export const Outcome = ({ row }) =>
  html`${State({ tone: TONES[row.status], children: t(`audit.status_${row.status}`) })}
    ${row.count > 1 && html`<span class="times number" title=${t("audit.count")}>×${numberText(row.count)}</span>`}`;

/** Time, action, outcome, who, from where, what, and the error. */
export const columns = () => [
  { key: "time", label: t("audit.column_time"), render: (row) => Time({ value: row.timestamp, style: "full" }) },
  { key: "action", label: t("audit.action"), isTitle: true, render: (row) => Code({ text: row.action }) },
  { key: "status", label: t("audit.status"), render: (row) => Outcome({ row }) },
  { key: "error", label: t("audit.error_type"), render: (row) => Code({ text: row.error_type }) },
  { key: "user", label: t("audit.user"), render: (row) => who(row) },
  { key: "address", label: t("audit.ip_address"), render: (row) => Code({ text: row.ip_address }) },
  { key: "what", label: t("audit.resource"), render: (row) => what(row) },
];

const who = (row) =>
  row.username ? Sent({ text: row.username }) : html`<span class="quiet">${t("audit.nobody")}</span>`;

function what(row) {
  const name = row.details?.filename;
  if (name) return html`<span class="cut" title=${name}>${Sent({ text: name })}</span>`;
  if (!row.resource_id) return null;
  return html`<span class="cut" title=${row.resource_id}>${Code({ text: row.resource_id })}</span>`;
}

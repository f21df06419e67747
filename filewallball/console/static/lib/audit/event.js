// Everything that is known of one event.
import { CopyButton, Facts } from "../controls.js";
import { html } from "../dom.js";
import { Time, durationText, numberText, sizeText } from "../format.js";
import { t } from "../i18n.js";
import { Dialog } from "../overlays.js";
import { Code, Sent, State } from "../panels.js";
import { href } from "../router.js";
import { Outcome } from "./columns.js";

const INTEGRITY = { sealed: "ok", pending: "plain", refused: "danger" };

/** A sheet at the edge with one row of the log. */
export const EventSheet = ({ row, onClose }) =>
  html`<${Dialog} side title=${row.action} onClose=${onClose}>
    <${Event} row=${row} />
    <p class="onward">
      ${row.request_id && html`<a href=${storyOf(row.request_id)}>${t("audit.story_link")}</a>`}
      ${nextTo(row).map(([label, filters]) => html`<a key=${label} href=${href("audit", filters)}>${label}</a>`)}
    </p>
    <${CopyButton} text=${JSON.stringify(row, null, 2)} label=${t("audit.copy_row")} />
  <//>`;

/** The columns as facts, and the details as the service keeps them. */
export const Event = ({ row }) =>
  html`<${Facts} facts=${factsOf(row)} />
    ${Object.keys(row.details).length > 0 &&
    html`<h3>${t("audit.details")}</h3>
      <pre class="details" tabindex="0" aria-label=${t("audit.details")}>${JSON.stringify(row.details, null, 2)}</pre>`}`;

/** The address of the story of a request. */
export const storyOf = (requestId) => href(`audit/${encodeURIComponent(requestId)}`);

/** Where to look next: everything of the same address, user, resource, link or trace. */
function nextTo(row) {
  const of = (name, label = name) => (row[name] ? [[t(`audit.same_${label}`), { [name]: row[name] }]] : []);
  return [...of("ip_address"), ...of("user_id"), ...of("resource_id"), ...of("link_id"), ...of("trace_id")];
}

function factsOf(row) {
  const code = (text) => text && html`<${Code} text=${text} />`;
  return [
    [t("audit.column_time"), html`<${Time} value=${row.timestamp} style="full" />`],
    [t("audit.timestamp"), code(row.timestamp)],
    [t("audit.status"), html`<${Outcome} row=${row} />`],
    [t("audit.error_type"), code(row.error_type)],
    [t("audit.user"), row.username && html`<${Sent} text=${row.username} /> (${row.user_id})`],
    [t("audit.ip_address"), code(row.ip_address)],
    [t("audit.user_agent"), row.user_agent && html`<${Sent} text=${row.user_agent} />`],
    [t("audit.resource_type"), row.resource_type && t(`audit.resource_type_${row.resource_type}`)],
    [t("audit.resource_id"), code(row.resource_id)],
    [t("audit.file_type"), code(row.file_type)],
    [t("audit.file_size"), row.file_size > 0 && sizeAndBytes(row.file_size)],
    [t("audit.duration"), row.duration_ms > 0 && durationText(row.duration_ms / 1000)],
    [t("audit.count"), row.count > 1 && numberText(row.count)],
    [t("audit.request_id"), code(row.request_id)],
    [t("audit.trace_id"), code(row.trace_id)],
    [t("audit.link_id"), code(row.link_id)],
    [t("audit.row"), numberText(row.id)],
    [t("audit.event_id"), code(row.event_id)],
    [t("audit.integrity"), html`<${State} tone=${INTEGRITY[row.integrity]}>${t(`audit.integrity_${row.integrity}`)}<//>`],
  ];
}

const sizeAndBytes = (bytes) => (bytes < 1024 ? sizeText(bytes) : `${sizeText(bytes)} (${numberText(bytes)} B)`);

// Files that are kept but not served: why, and releasing or purging them.
import { ActionDialog } from "../actions.js";
import { useAnswer } from "../answers.js";
import { api } from "../api.js";
import { Facts } from "../controls.js";
import { html, useState } from "../dom.js";
import { Size, Time } from "../format.js";
import { has, t } from "../i18n.js";
import { List, pageOf } from "../list.js";
import { Code, Panel, Sent } from "../panels.js";
import { href } from "../router.js";

const SIZE = 100;

export function Quarantine({ query }) {
  const page = pageOf(query);
  const state = useAnswer("/api/v1/quarantine", { page, size: SIZE });
  const [asked, ask] = useState(null);
  const close = () => ask(null);
  const done = () => {
    close();
    state.reload();
  };
  return html`<${Panel} title=${t("security.quarantine")} note=${t("security.quarantine_note")}>
    <${List}
      label=${t("security.quarantine")}
      state=${state}
      rows=${(value) => value.files}
      rowKey=${(row) => row.file_id}
      empty=${t("security.quarantine_none")}
      emptyText=${t("security.quarantine_none_text")}
      columns=${columns(ask)}
      page=${page}
      size=${SIZE}
    />
    ${asked && html`<${DecisionDialog} ...${asked} onDone=${done} onClose=${close} />`}
  <//>`;
}

/** A reason as the service names it, in words where there are some. */
const reasonText = (reason) => (has(`security.reason_${reason}`) ? t(`security.reason_${reason}`) : reason);

const columns = (ask) => [
  { key: "name", label: t("security.file"), isTitle: true, render: (row) => html`<${Sent} text=${row.filename} />` },
  { key: "why", label: t("security.why"), render: (row) => html`<${Reasons} row=${row} />` },
  { key: "type", label: t("security.type"), render: (row) => html`<${Types} row=${row} />` },
  { key: "size", label: t("security.size"), align: "end", render: (row) => html`<${Size} bytes=${row.file_size} />` },
  { key: "from", label: t("security.from"), render: (row) => html`<${From} address=${row.client_ip} />` },
  { key: "when", label: t("security.when"), render: (row) => html`<${Time} value=${row.upload_time} />` },
  { key: "actions", label: t("security.actions"), align: "end", render: (row) => html`<${Actions} row=${row} ask=${ask} />` },
];

const Reasons = ({ row }) =>
  html`<ul class="plain-list">${row.reasons.map((each) => html`<li key=${each}>${reasonText(each)}</li>`)}</ul>`;

const Types = ({ row }) =>
  html`<${Code} text=${row.mime_type} />${row.claimed_type &&
    html`<br /><small class="quiet">${t("security.claimed")} <${Code} text=${row.claimed_type} /></small>`}`;

const From = ({ address }) => html`<a href=${href("audit", { ip_address: address })}><${Code} text=${address} /></a>`;

const Actions = ({ row, ask }) =>
  html`<span class="row-actions">
    <a href=${href("audit", { resource_id: row.file_id })}>${t("security.in_audit")}</a>
    <button type="button" data-kind="plain" onClick=${() => ask({ file: row, verb: "release" })}>${t("security.release")}</button>
    <button type="button" data-kind="danger" onClick=${() => ask({ file: row, verb: "purge" })}>${t("security.purge")}</button>
  </span>`;

function DecisionDialog({ file, verb, onDone, onClose }) {
  const path = `/api/v1/quarantine/${encodeURIComponent(file.file_id)}`;
  const facts = [
    [t("security.file"), html`<${Sent} text=${file.filename} />`],
    [t("security.why"), html`<${Reasons} row=${file} />`],
    [t("security.digest"), html`<${Code} text=${file.file_hash} />`],
  ];
  return html`<${ActionDialog}
    title=${t(`security.${verb}_title`)}
    action=${t(`security.${verb}`)}
    tone=${verb === "purge" ? "danger" : undefined}
    run=${() => (verb === "purge" ? api.delete(path) : api.send("POST", `${path}/release`))}
    said=${() => t(`security.${verb}_done`, { name: file.filename })}
    onDone=${onDone}
    onClose=${onClose}
  >
    <p>${t(`security.${verb}_note`)}</p>
    <${Facts} facts=${facts} />
  <//>`;
}

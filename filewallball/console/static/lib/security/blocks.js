// Blocked networks: those in force or all, adding one, lifting one.
import { ActionDialog } from "../actions.js";
import { useAnswer } from "../answers.js";
import { api } from "../api.js";
import { now } from "../clock.js";
import { html, useState } from "../dom.js";
import { Time } from "../format.js";
import { t } from "../i18n.js";
import { List, pageOf } from "../list.js";
import { Choice, Code, Panel, Sent, State } from "../panels.js";
import { href } from "../router.js";
import { BlockDialog } from "./block_dialog.js";

const SIZE = 100;

export function Blocks({ query }) {
  const everything = query.show === "all";
  const page = pageOf(query);
  const state = useAnswer("/api/v1/access/blocks", { everything, page, size: SIZE });
  const [asked, ask] = useState({});
  const close = () => ask({});
  const done = () => {
    close();
    state.reload();
  };
  const actions = html`<${Choice}
      label=${t("security.blocks_show")}
      values=${[["", t("security.blocks_active")], ["all", t("security.blocks_all")]]}
      current=${everything ? "all" : ""}
      address=${(show) => href("security/blocks", { show })}
    />
    <button type="button" onClick=${() => ask({ block: {} })}>${t("security.block_add")}</button>`;
  return html`<${Panel} title=${t("security.blocks")} note=${t("security.blocks_note")} actions=${actions}>
    <${List}
      label=${t("security.blocks")}
      state=${state}
      rows=${(value) => value.blocks}
      empty=${t(everything ? "security.blocks_never" : "security.blocks_none")}
      columns=${columns(ask)}
      page=${page}
      size=${SIZE}
    />
    ${asked.block && html`<${BlockDialog} block=${asked.block} onDone=${done} onClose=${close} />`}
    ${asked.lift && html`<${LiftDialog} block=${asked.lift} onDone=${done} onClose=${close} />`}
  <//>`;
}

const columns = (ask) => [
  { key: "network", label: t("security.network"), isTitle: true, render: (row) => html`<${Code} text=${row.network} />` },
  { key: "state", label: t("security.state"), render: (row) => html`<${BlockState} row=${row} />` },
  { key: "reason", label: t("security.reason"), render: (row) => html`<${Reason} row=${row} />` },
  { key: "origin", label: t("security.origin"), render: (row) => t(`security.origin_${row.origin}`) },
  { key: "since", label: t("security.since"), render: (row) => html`<${Time} value=${row.created_at} />` },
  { key: "until", label: t("security.until"), render: (row) => html`<${Until} row=${row} />` },
  { key: "actions", label: t("security.actions"), align: "end", render: (row) => html`<${Actions} row=${row} ask=${ask} />` },
];

const isOver = (row) => Boolean(row.lifted_at) || (row.expires_at !== null && Date.parse(row.expires_at) <= now());

const Until = ({ row }) => {
  if (row.lifted_at) return html`<${Time} value=${row.lifted_at} />`;
  return row.expires_at ? html`<${Time} value=${row.expires_at} />` : t("security.for_good");
};

const Reason = ({ row }) =>
  html`<${Sent} text=${row.reason} />${row.evidence && html`<br /><small class="quiet"><${Sent} text=${row.evidence} /></small>`}`;

function BlockState({ row }) {
  if (row.lifted_at) return html`<${State}>${t("security.block_lifted")}<//>`;
  if (isOver(row)) return html`<${State}>${t("security.block_expired")}<//>`;
  return html`<${State} tone="danger">${t("security.block_active")}<//>`;
}

const Actions = ({ row, ask }) =>
  html`<span class="row-actions">
    <a href=${href("audit", { ip_address: row.network })}>${t("security.in_audit")}</a>
    <button type="button" data-kind="plain" onClick=${() => ask({ block: row })}>${t("security.block_renew")}</button>
    ${!isOver(row) &&
    html`<button type="button" data-kind="plain" onClick=${() => ask({ lift: row })}>${t("security.lift")}</button>`}
  </span>`;

const LiftDialog = ({ block, onDone, onClose }) =>
  html`<${ActionDialog}
    title=${t("security.lift_title", { network: block.network })}
    action=${t("security.lift")}
    run=${() => api.delete(`/api/v1/access/blocks/${block.id}`)}
    said=${() => t("security.lifted", { network: block.network })}
    onDone=${onDone}
    onClose=${onClose}
  >
    <p>${t("security.lift_note")}</p>
  <//>`;

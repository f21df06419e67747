// Tokens of one user or of all: rotating and revoking them.
import { ActionDialog } from "../actions.js";
import { useAnswer } from "../answers.js";
import { api } from "../api.js";
import { now } from "../clock.js";
import { html, useState } from "../dom.js";
import { Time } from "../format.js";
import { t } from "../i18n.js";
import { List, pageOf } from "../list.js";
import { Code, Panel, Sent, State } from "../panels.js";
import { href } from "../router.js";
import { NewTokenDialog, RotateDialog } from "./new_token.js";

const SIZE = 100;

export function Tokens({ query }) {
  const page = pageOf(query);
  const state = useAnswer("/api/v1/access/tokens", { user_id: query.user_id, page, size: SIZE });
  const [asked, ask] = useState({});
  const close = () => ask({});
  const done = () => {
    close();
    state.reload();
  };
  return html`<${Panel} title=${t("access.tokens")} note=${t("access.tokens_note")} actions=${html`<${Scope} query=${query} ask=${ask} />`}>
    <${List} label=${t("access.tokens")} state=${state} rows=${(value) => value.tokens} empty=${t("access.tokens_none")}
      emptyText=${t("access.tokens_none_text")} columns=${columns(ask)} page=${page} size=${SIZE} />
    ${asked.rotate && html`<${RotateDialog} token=${asked.rotate} onDone=${done} onClose=${close} />`}
    ${asked.revoke && html`<${RevokeDialog} token=${asked.revoke} onDone=${done} onClose=${close} />`}
    ${asked.create && html`<${NewTokenDialog} user=${asked.create} onDone=${done} onClose=${close} />`}
  <//>`;
}

/** Whose tokens are shown, the way to those of all, and a new one for the user. */
function Scope({ query, ask }) {
  const user = useAnswer(query.user_id ? `/api/v1/access/users/${encodeURIComponent(query.user_id)}` : "/api/v1/access/me");
  if (!query.user_id) return html`<a href=${href("access/users")}>${t("access.choose_user")}</a>`;
  return html`${user.value && html`<span>${t("access.tokens_of")} <strong><${Sent} text=${user.value.username} /></strong></span>`}
    <a href=${href("access/tokens")}>${t("access.tokens_all")}</a>
    <button type="button" disabled=${!user.value} onClick=${() => ask({ create: user.value })}>${t("access.token_create")}</button>`;
}

const columns = (ask) => [
  { key: "name", label: t("access.token_name"), isTitle: true, render: (row) => html`<${Name} row=${row} />` },
  { key: "user", label: t("access.user"), render: (row) => html`<a href=${href("access/tokens", { user_id: row.user_id })}><${Sent} text=${row.username} /></a>` },
  { key: "state", label: t("access.state"), render: (row) => html`<${TokenState} row=${row} />` },
  { key: "created", label: t("access.created"), wide: true, render: (row) => html`<${Time} value=${row.created_at} />` },
  { key: "used", label: t("access.last_used"), render: (row) => (row.last_used_at ? html`<${Time} value=${row.last_used_at} />` : t("common.never")) },
  { key: "expires", label: t("access.expires"), render: (row) => (row.expires_at ? html`<${Time} value=${row.expires_at} />` : t("common.never")) },
  { key: "actions", label: t("access.actions"), align: "end", render: (row) => html`<${Actions} row=${row} ask=${ask} />` },
];

const Name = ({ row }) => html`<${Sent} text=${row.name} /> <small class="quiet"><${Code} text=${`${row.prefix}…`} /></small>`;

const isOver = (row) => Boolean(row.revoked_at) || (row.expires_at !== null && Date.parse(row.expires_at) <= now());

function TokenState({ row }) {
  if (row.revoked_at && Date.parse(row.revoked_at) > now()) return html`<${State} tone="warn">${t("access.token_ending")}<//>`;
  if (row.revoked_at) return html`<${State}>${t("access.token_revoked")}<//>`;
  if (isOver(row)) return html`<${State}>${t("access.token_expired")}<//>`;
  return html`<${State} tone="ok">${t("access.token_valid")}<//>`;
}

const Actions = ({ row, ask }) =>
  !isOver(row) &&
  html`<span class="row-actions">
    <button type="button" data-kind="plain" onClick=${() => ask({ rotate: row })}>${t("access.rotate")}</button>
    <button type="button" data-kind="danger" onClick=${() => ask({ revoke: row })}>${t("access.revoke")}</button>
  </span>`;

const RevokeDialog = ({ token, onDone, onClose }) =>
  html`<${ActionDialog} title=${t("access.revoke_title")} action=${t("access.revoke")} tone="danger"
    run=${() => api.delete(`/api/v1/access/tokens/${token.id}`)} said=${() => t("access.revoked")} onDone=${onDone} onClose=${onClose}>
    <p>${t("access.revoke_note")}</p>
    <p><${Name} row=${token} /></p>
  <//>`;

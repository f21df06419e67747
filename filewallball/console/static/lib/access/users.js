// Users: creating them, giving them a role, disabling and enabling them.
import { ActionDialog, faultOf, useValues } from "../actions.js";
import { useAnswer } from "../answers.js";
import { api } from "../api.js";
import { Field } from "../controls.js";
import { html, useState } from "../dom.js";
import { Time, numberText } from "../format.js";
import { t } from "../i18n.js";
import { List, pageOf } from "../list.js";
import { Panel, Sent, State } from "../panels.js";
import { href } from "../router.js";
import { roleText } from "../states.js";
import { NewTokenDialog } from "./new_token.js";

const SIZE = 100;
const ROLES = ["guest", "user", "monitor", "admin"];

export function Users({ query }) {
  const page = pageOf(query);
  const state = useAnswer("/api/v1/access/users", { page, size: SIZE });
  const [asked, ask] = useState({});
  const close = () => ask({});
  const done = () => {
    close();
    state.reload();
  };
  const create = html`<button type="button" onClick=${() => ask({ create: true })}>${t("access.user_create")}</button>`;
  return html`<${Panel} title=${t("access.users")} note=${t("access.users_note")} actions=${create}>
    <${List} label=${t("access.users")} state=${state} rows=${(value) => value.users} empty=${t("access.users_none")}
      columns=${columns(ask)} page=${page} size=${SIZE} />
    ${asked.create && html`<${CreateDialog} onDone=${done} onClose=${close} />`}
    ${asked.role && html`<${RoleDialog} user=${asked.role} onDone=${done} onClose=${close} />`}
    ${asked.turn && html`<${TurnDialog} user=${asked.turn} onDone=${done} onClose=${close} />`}
    ${asked.token && html`<${NewTokenDialog} user=${asked.token} onDone=${close} onClose=${close} />`}
  <//>`;
}

const columns = (ask) => [
  { key: "id", label: t("access.number"), align: "end", wide: true, render: (row) => numberText(row.id) },
  { key: "name", label: t("access.name"), isTitle: true, render: (row) => html`<${Sent} text=${row.username} />` },
  { key: "role", label: t("access.role"), render: (row) => roleText(row.role) },
  { key: "state", label: t("access.state"), render: (row) => html`<${UserState} row=${row} />` },
  { key: "created", label: t("access.created"), render: (row) => html`<${Time} value=${row.created_at} />` },
  { key: "actions", label: t("access.actions"), align: "end", render: (row) => html`<${Actions} row=${row} ask=${ask} />` },
];

const UserState = ({ row }) =>
  row.disabled_at
    ? html`<${State} tone="warn">${t("access.disabled")}<//> <${Time} value=${row.disabled_at} />`
    : html`<${State} tone="ok">${t("access.enabled")}<//>`;

const Actions = ({ row, ask }) =>
  html`<span class="row-actions">
    <a href=${href("access/tokens", { user_id: row.id })}>${t("access.tokens")}</a>
    <a href=${href("audit", { user_id: row.id })}>${t("access.in_audit")}</a>
    <button type="button" data-kind="plain" onClick=${() => ask({ token: row })}>${t("access.token_create")}</button>
    <button type="button" data-kind="plain" onClick=${() => ask({ role: row })}>${t("access.role_change")}</button>
    <button type="button" data-kind="plain" onClick=${() => ask({ turn: row })}>
      ${t(row.disabled_at ? "access.enable" : "access.disable")}
    </button>
  </span>`;

const RoleField = ({ value, onChange, error }) =>
  html`<${Field} label=${t("access.role")} hint=${t(`access.role_${value}_note`)} error=${error}>
    ${(attributes) =>
      html`<select ...${attributes} name="role" value=${value} onChange=${onChange}>
        ${ROLES.map((role) => html`<option key=${role} value=${role}>${roleText(role)}</option>`)}
      </select>`}
  <//>`;

function CreateDialog({ onDone, onClose }) {
  const [values, set] = useValues({ username: "", role: "user" });
  return html`<${ActionDialog} title=${t("access.user_create")} action=${t("access.create")}
    run=${() => api.post("/api/v1/access/users", values)}
    said=${(user) => t("access.user_created", { name: user.username })} onDone=${onDone} onClose=${onClose}>
    ${(problem) =>
      html`<${Field} label=${t("access.name")} error=${faultOf(problem, "username")}>
          ${(attributes) =>
            html`<input ...${attributes} name="username" required maxlength="128" autocomplete="off" spellcheck="false"
              value=${values.username} onInput=${set("username")} />`}
        <//>
        <${RoleField} value=${values.role} onChange=${set("role")} error=${faultOf(problem, "role")} />`}
  <//>`;
}

function RoleDialog({ user, onDone, onClose }) {
  const [values, set] = useValues({ role: user.role });
  return html`<${ActionDialog} title=${t("access.role_title", { name: user.username })} action=${t("common.save")}
    run=${() => api.patch(`/api/v1/access/users/${user.id}`, values)}
    said=${() => t("access.role_changed", { name: user.username, role: roleText(values.role) })} onDone=${onDone} onClose=${onClose}>
    ${(problem) => html`<${RoleField} value=${values.role} onChange=${set("role")} error=${faultOf(problem, "role")} />`}
  <//>`;
}

function TurnDialog({ user, onDone, onClose }) {
  const verb = user.disabled_at ? "enable" : "disable";
  return html`<${ActionDialog} title=${t(`access.${verb}_title`, { name: user.username })} action=${t(`access.${verb}`)}
    tone=${verb === "disable" ? "danger" : undefined}
    run=${() => api.patch(`/api/v1/access/users/${user.id}`, { disabled: verb === "disable" })}
    said=${() => t(`access.${verb}_done`, { name: user.username })} onDone=${onDone} onClose=${onClose}>
    <p>${t(`access.${verb}_note`)}</p>
  <//>`;
}

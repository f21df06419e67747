// Quotas: who keeps how much, and limits of somebody's own.
import { ActionDialog, faultOf, useValues } from "../actions.js";
import { useAnswer } from "../answers.js";
import { api } from "../api.js";
import { Field } from "../controls.js";
import { html, useState } from "../dom.js";
import { numberText, sizeText } from "../format.js";
import { t } from "../i18n.js";
import { List, pageOf } from "../list.js";
import { Code, Panel } from "../panels.js";
import { Used } from "./me.js";

const SIZE = 100;
const MIB = 1024 ** 2;

export function Quotas({ query }) {
  const page = pageOf(query);
  const state = useAnswer("/api/v1/access/quotas", { page, size: SIZE });
  const [asked, ask] = useState(null);
  const done = () => {
    ask(null);
    state.reload();
  };
  const set = html`<button type="button" onClick=${() => ask({ principal: "" })}>${t("access.quota_set")}</button>`;
  return html`<${Panel} title=${t("access.quotas")} note=${t("access.quotas_note")} actions=${set}>
    <${List} label=${t("access.quotas")} state=${state} rows=${(value) => value.quotas} rowKey=${(row) => row.principal}
      empty=${t("access.quotas_none")} emptyText=${t("access.quotas_none_text")} columns=${columns(ask)} page=${page} size=${SIZE} />
    ${asked && html`<${QuotaDialog} quota=${asked} onDone=${done} onClose=${() => ask(null)} />`}
  <//>`;
}

const columns = (ask) => [
  { key: "who", label: t("access.principal"), isTitle: true, render: (row) => html`<${Code} text=${row.principal} />` },
  { key: "bytes", label: t("access.bytes"), render: (row) => html`<${Used} used=${row.used_bytes} most=${row.limit_bytes} text=${sizeText} />` },
  { key: "files", label: t("access.files"), render: (row) => html`<${Used} used=${row.used_files} most=${row.limit_files} text=${numberText} />` },
  { key: "actions", label: t("access.actions"), align: "end", render: (row) => html`<span class="row-actions"><button type="button" data-kind="plain" onClick=${() => ask(row)}>${t("access.quota_change")}</button></span>` },
];

/** Empty follows the settings, 0 is none. */
function QuotaDialog({ quota, onDone, onClose }) {
  const [values, set] = useValues({ principal: quota.principal, mebibytes: quota.limit_bytes ? String(quota.limit_bytes / MIB) : "", files: quota.limit_files ? String(quota.limit_files) : "" });
  return html`<${ActionDialog} title=${t("access.quota_title")} action=${t("common.save")} onDone=${onDone} onClose=${onClose}
    run=${() => api.put(pathOf(values.principal), bodyOf(values))} said=${(row) => t("access.quota_saved", { principal: row.principal })}>
    ${(problem) =>
      html`<${Field} label=${t("access.principal")} hint=${t("access.principal_hint")} error=${faultOf(problem, "address")}>
          ${(attributes) =>
            html`<input ...${attributes} name="principal" required readonly=${Boolean(quota.principal)} autocomplete="off" spellcheck="false"
              placeholder="user:2" value=${values.principal} onInput=${set("principal")} />`}
        <//>
        <${Field} label=${t("access.limit_mebibytes")} hint=${t("access.limit_hint")} error=${faultOf(problem, "limit_bytes")}>
          ${(attributes) => html`<input ...${attributes} name="mebibytes" type="number" min="0" step="any" value=${values.mebibytes} onInput=${set("mebibytes")} />`}
        <//>
        <${Field} label=${t("access.limit_files")} error=${faultOf(problem, "limit_files")}>
          ${(attributes) => html`<input ...${attributes} name="files" type="number" min="0" step="1" value=${values.files} onInput=${set("files")} />`}
        <//>`}
  <//>`;
}

function pathOf(principal) {
  const [, user] = /^user:(\d+)$/.exec(principal.trim()) ?? [];
  if (user) return `/api/v1/access/quotas/users/${user}`;
  return `/api/v1/access/quotas/addresses/${encodeURIComponent(principal.trim().replace(/\/\d+$/, ""))}`;
}

const bodyOf = ({ mebibytes, files }) => ({
  limit_bytes: mebibytes === "" ? null : Math.round(Number(mebibytes) * MIB),
  limit_files: files === "" ? null : Number(files),
});

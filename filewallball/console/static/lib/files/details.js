// Everything known of one file, in a sheet beside the list; what may be done with it, and what became of it.
import { api } from "../api.js";
import { html, useState } from "../dom.js";
import { t } from "../i18n.js";
import { Badge, CopyButton, Facts, Icon } from "../controls.js";
import { Dialog, toast } from "../overlays.js";
import { Loaded, problemText, useLoad } from "../states.js";
import { Size, Time } from "../format.js";
import { isNobody, may } from "../session.js";
import { MakeLink, mayMakeLinks, ShareDialog } from "../share.js";
import { forThisWindow } from "../storage.js";
import { EditForm } from "./edit.js";
import { History } from "./history.js";
import { removeFiles } from "./removals.js";
import { open } from "./tickets.js";
import { hasPicture, Thumbnail } from "./thumbnail.js";

export function FileDetails({ id, onClose, onChanged }) {
  const state = useLoad(() => api.get(`files/${encodeURIComponent(id)}`), [id]);
  const [mode, setMode] = useState("show");
  const changed = (file) => {
    setMode("show");
    onChanged(file);
    state.reload();
  };
  const hasEnded = state.problem?.code === "expired" && may("file:history") && !isNobody();
  return html`<${Dialog} side title=${state.value?.filename ?? t("files.details")} onClose=${onClose}>
    <${Loaded} state=${state}>
      ${(file) =>
        mode === "edit"
          ? html`<${EditForm} file=${file} onDone=${changed} onClose=${() => setMode("show")} />`
          : html`<${Shown} file=${file} onEdit=${() => setMode("edit")} onClose=${onClose} />`}
    <//>
    ${hasEnded && html`<${History} id=${id} />`}
  <//>`;
}

const mayDelete = (file) => may("file:delete") || forThisWindow.get(`fwb.delete.${file.file_id}`);

function Shown({ file, onEdit, onClose }) {
  const [isShared, share] = useState(false);
  const run = (inline) => () => open(file, { inline }).catch((problem) => toast(problemText(problem), { tone: "danger" }));
  const remove = () => {
    onClose();
    removeFiles([file]);
  };
  return html`<div class="stack">
    ${hasPicture(file) && html`<${Thumbnail} file=${file} size="480" large />`}
    <div class="row">
      <button type="button" onClick=${run(false)}><${Icon} name="download" />${t("files.download")}</button>
      <button type="button" data-kind="plain" onClick=${run(true)}><${Icon} name="eye" />${t("files.view")}</button>
      ${file.visibility === "private"
        ? mayMakeLinks() && html`<${MakeLink} id=${file.file_id} />`
        : html`<button type="button" data-kind="plain" onClick=${() => share(true)}><${Icon} name="link" size="16" />${t("common.share")}</button>`}
    </div>
    <${Facts} facts=${factsOf(file)} />
    <div class="row">
      ${may("file:update") && html`<button type="button" data-kind="plain" onClick=${onEdit}><${Icon} name="edit" size="16" />${t("common.edit")}</button>`}
      ${mayDelete(file) && html`<button type="button" data-kind="danger" onClick=${remove}><${Icon} name="trash" size="16" />${t("common.delete")}</button>`}
    </div>
    ${may("file:history") && html`<${History} id=${file.file_id} />`}
    ${isShared && html`<${ShareDialog} file=${file} onClose=${() => share(false)} />`}
  </div>`;
}

const factsOf = (file) => [
  [t("files.state"), html`<${States} file=${file} />`],
  [t("files.description"), file.description && html`<span class="prose">${file.description}</span>`],
  [t("files.size"), html`<${Size} bytes=${file.file_size} />`],
  [t("files.type"), html`<code>${file.mime_type}</code>`],
  [t("files.claimed"), file.claimed_type && file.claimed_type !== file.mime_type && html`<code>${file.claimed_type}</code>`],
  [t("files.uploaded"), html`<${Time} value=${file.upload_time} style="full" />`],
  [t("files.owner"), file.owner === "" ? t("files.no_owner") : file.owner],
  [t("files.expires"), file.expires_at ? html`<${Time} value=${file.expires_at} style="full" />` : t("common.never")],
  ["SHA-256", html`<span class="spread"><code>${file.file_hash}</code><${CopyButton} text=${file.file_hash} isQuiet /></span>`],
  [t("files.id"), html`<code>${file.file_id}</code>`],
];

export const States = ({ file }) =>
  html`<span class="row">
    <${Badge} tone=${{ public: "info", private: "plain", unlisted: "plain" }[file.visibility]}>${t(`files.${file.visibility}`)}<//>
    ${file.is_quarantined && html`<${Badge} tone="warn">${t("files.quarantined")}<//>`}
    ${file.is_mislabelled && html`<${Badge} tone="warn">${t("files.mislabelled")}<//>`}
  </span>`;

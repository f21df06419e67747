// Links: make one, see how often it was used, revoke it.
import { api } from "../lib/api.js";
import { html, useState } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { Badge, Confirm, DataTable, Dialog, Empty, Facts, Icon, Loaded, PageHead, Pager, toast, problemText, useLoad } from "../lib/components.js";
import { numberText, Time } from "../lib/format.js";
import { href, navigate, refine } from "../lib/router.js";
import { may } from "../lib/session.js";
import { NewLink } from "../lib/links/create.js";

const TONES = { active: "ok", expired: "plain", used_up: "plain", revoked: "danger", unavailable: "warn" };

export default function Links({ params, query }) {
  const { file_id = "", cursor = "" } = query;
  const state = useLoad((signal) => api.get("/api/v1/links", { file_id, cursor, limit: 50 }, { signal }), [file_id, cursor]);
  const [revoking, setRevoking] = useState(null);
  const begin = () => refine({ new: "1" });
  const close = () => navigate("links", { file_id: query.new ? "" : file_id }, { replace: Boolean(query.new) });
  return html`<${PageHead} title=${t("links.title")} text=${t("links.text")}>
      ${may("file:share") && html`<button type="button" onClick=${begin}><${Icon} name="plus" size="16" />${t("links.new")}</button>`}
    <//>
    ${file_id && !query.new && html`<p class="row filters"><span>${t("links.of_one_file")}</span><a href=${href("links")}>${t("links.all")}</a></p>`}
    <${Loaded} state=${state} rows="8" isEmpty=${(page) => !page.links.length} empty=${html`<${Nothing} onBegin=${begin} />`}>
      ${(page) =>
        html`<${DataTable}
            caption=${t("links.title")}
            columns=${columns(setRevoking)}
            rows=${page.links}
            rowKey=${(link) => link.link_id}
            onOpen=${(link) => navigate(`links/${link.link_id}`, { file_id, cursor })}
            current=${params.id}
          />
          <${Pager} page=${page} cursor=${cursor} />`}
    <//>
    ${query.new && html`<${NewLink} fileId=${file_id} onClose=${close} onMade=${state.reload} />`}
    ${params.id && html`<${LinkDetails} id=${params.id} onClose=${() => navigate("links", { file_id, cursor })} onRevoke=${setRevoking} changed=${state.value} />`}
    ${revoking && html`<${Revoke} link=${revoking} onClose=${() => setRevoking(null)} onDone=${state.reload} />`}`;
}

const Nothing = ({ onBegin }) =>
  html`<${Empty} icon="link" title=${t("links.none")} text=${t("links.none_text")}>
    <button type="button" onClick=${onBegin}>${t("links.new")}</button>
  <//>`;

const nameOf = (link) => link.name || t("links.unnamed");

const columns = (revoke) => [
  {
    key: "name",
    label: t("links.name"),
    isTitle: true,
    render: (link) =>
      html`<span class="row"><a class="file-name" href=${href(`links/${link.link_id}`)}><span class="break">${nameOf(link)}</span></a><${Locks} link=${link} /></span>`,
  },
  { key: "file", label: t("links.file"), render: (link) => html`<${FileOf} link=${link} />` },
  { key: "state", label: t("links.state"), render: (link) => html`<${Badge} tone=${TONES[link.state]}>${t(`links.state_${link.state}`)}<//>` },
  { key: "used", label: t("links.used"), align: "end", render: (link) => html`<span class="number">${usedText(link)}</span>` },
  { key: "expires", label: t("links.expires"), align: "end", render: (link) => (link.expires_at ? html`<${Time} value=${link.expires_at} relative />` : html`<span class="quiet">–</span>`) },
  { key: "created", label: t("links.created"), align: "end", wide: true, render: (link) => html`<${Time} value=${link.created_at} />` },
  {
    key: "revoke",
    label: t("links.action"),
    align: "end",
    render: (link) =>
      link.state === "active"
        ? html`<button type="button" data-kind="plain" aria-label=${t("links.revoke_one", { name: nameOf(link) })} onClick=${() => revoke(link)}>${t("links.revoke")}</button>`
        : html`<span class="quiet">–</span>`,
  },
];

/** The file that a link gives; of one that is gone, its identifier. */
const FileOf = ({ link }) =>
  link.file_name
    ? html`<a class="break" href=${href(`files/${link.file_id}`)}>${link.file_name}</a>`
    : html`<code class="quiet">${link.file_id}</code>`;

const usedText = (link) =>
  link.max_downloads ? `${numberText(link.downloads)} / ${numberText(link.max_downloads)}` : numberText(link.downloads);

const Locks = ({ link }) =>
  html`${link.has_password && html`<${Badge}><${Icon} name="lock" size="12" />${t("links.with_password")}<//>`}
    ${link.one_time && html`<${Badge}>${t("links.one_time")}<//>`}`;

function LinkDetails({ id, onClose, onRevoke, changed }) {
  const state = useLoad(() => api.get(`/api/v1/links/${encodeURIComponent(id)}`), [id, changed]);
  return html`<${Dialog} side title=${state.value ? nameOf(state.value) : t("links.details")} onClose=${onClose}>
    <${Loaded} state=${state} rows="6">
      ${(link) =>
        html`<div class="stack">
          <div class="row"><${Badge} tone=${TONES[link.state]}>${t(`links.state_${link.state}`)}<//><${Locks} link=${link} /></div>
          <${Facts}
            facts=${[
              [t("links.file"), html`<${FileOf} link=${link} />`],
              [t("links.used"), usedText(link)],
              [t("links.created"), html`<${Time} value=${link.created_at} style="full" />`],
              [t("links.created_by"), link.created_by],
              [t("links.expires"), link.expires_at ? html`<${Time} value=${link.expires_at} style="full" />` : t("common.never")],
              [t("links.revoked_at"), link.revoked_at && html`<${Time} value=${link.revoked_at} style="full" />`],
              [t("links.id"), html`<code>${link.link_id}</code>`],
            ]}
          />
          <p class="quiet small">${t("links.address_gone")}</p>
          ${link.state === "active" && html`<div><button type="button" data-kind="danger" onClick=${() => onRevoke(link)}>${t("links.revoke")}</button></div>`}
        </div>`}
    <//>
  <//>`;
}

function Revoke({ link, onClose, onDone }) {
  const run = async () => {
    try {
      await api.delete(`/api/v1/links/${link.link_id}`);
      toast(t("links.is_revoked", { name: nameOf(link) }), { tone: "ok" });
    } catch (problem) {
      toast(problemText(problem), { tone: "danger", seconds: 10 });
    }
    onDone();
  };
  return html`<${Confirm} title=${t("links.revoke_title")} text=${t("links.revoke_text", { name: nameOf(link) })} yes=${t("links.revoke")} onYes=${run} onClose=${onClose} />`;
}

// Files: search, look into one, change it, delete it; several at once.
import { absolute, api } from "../lib/api.js";
import { html, useEffect, useMemo, useState, useStore } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { CopyButton, DataTable, Empty, Icon, Loaded, PageHead, Pager, problemText, toast, useLoad } from "../lib/components.js";
import { Size, Time } from "../lib/format.js";
import { Sent } from "../lib/panels.js";
import { href, navigate, refine } from "../lib/router.js";
import { may } from "../lib/session.js";
import { FileDetails, States } from "../lib/files/details.js";
import { FILTERS, Filters, KINDS } from "../lib/files/filters.js";
import { hidden, removeFiles } from "../lib/files/removals.js";
import { Thumbnail } from "../lib/files/thumbnail.js";

export default function Files({ params, query }) {
  const wanted = Object.fromEntries(FILTERS.map((name) => [name, query[name]]));
  const { cursor = "", sort = "" } = query;
  const load = (signal) => api.get("files", { ...wanted, sort, cursor, size: 50 }, { signal });
  const state = useLoad(load, [JSON.stringify(wanted), sort, cursor]);
  const gone = useStore(hidden);
  const [selected, setSelected] = useState(new Set());
  useEffect(() => setSelected(new Set()), [JSON.stringify(wanted), sort, cursor]);
  const isFiltered = FILTERS.some((name) => query[name]);
  const close = () => navigate("files", query);
  return html`<${PageHead} title=${t("files.title")} text=${totalText(state.value)}>
      <a role="button" href=${href("")}><${Icon} name="upload" size="16" />${t("files.upload")}</a>
    <//>
    <${Filters} query=${query} isFiltered=${isFiltered} />
    <${Loaded}
      state=${state}
      rows="10"
      isEmpty=${(page) => !page.files.length}
      empty=${html`<${Nothing} isFiltered=${isFiltered} />`}
    >
      ${(page) => html`<${List} ...${{ page, query, cursor, gone, selected, setSelected, reload: state.reload, current: params.id }} />`}
    <//>
    ${params.id && html`<${FileDetails} key=${params.id} id=${params.id} onClose=${close} onChanged=${state.reload} />`}`;
}

const totalText = (page) =>
  page ? t(page.total_is_lower_bound ? "files.total_at_least" : "files.total", { count: page.total }) : " ";

const Nothing = ({ isFiltered }) =>
  isFiltered
    ? html`<${Empty} icon="search" title=${t("files.none_found")} text=${t("files.none_found_text")} />`
    : html`<${Empty} icon="files" title=${t("files.none")} text=${t("files.none_text")}>
        <a role="button" href=${href("")}>${t("files.upload")}</a>
      <//>`;

function List({ page, query, cursor, gone, selected, setSelected, reload, current }) {
  const sort = query.sort ?? "-time";
  const order = { by: sort.replace("-", ""), order: sort.startsWith("-") ? "desc" : "asc" };
  const rows = useMemo(() => page.files.filter((file) => !gone.has(file.file_id)), [page, gone]);
  const chosen = rows.filter((file) => selected.has(file.file_id));
  const sortBy = (by) => refine({ sort: order.by === by && order.order === "asc" ? `-${by}` : by, cursor: "" });
  return html`<${Several} files=${chosen} onDone=${() => setSelected(new Set())} onChanged=${reload} />
    <${DataTable}
      caption=${t("files.title")}
      columns=${columns(query)}
      rows=${rows}
      rowKey=${(file) => file.file_id}
      onOpen=${(file) => navigate(`files/${file.file_id}`, query)}
      selected=${selected}
      onSelect=${setSelected}
      sort=${order}
      onSort=${sortBy}
      current=${current}
    />
    <${Pager} page=${page} cursor=${cursor} />`;
}

const columns = (query) => [
  {
    key: "name",
    label: t("files.name"),
    sort: "name",
    isTitle: true,
    render: (file) =>
      html`<a class="file-name" href=${href(`files/${file.file_id}`, query)}><${Thumbnail} file=${file} /><span class="break">${file.filename}</span></a>`,
  },
  { key: "state", label: t("files.visibility"), render: (file) => html`<${States} file=${file} />` },
  ...(may("file:any") ? [owner(query)] : []),
  { key: "type", label: t("files.type"), wide: true, render: (file) => html`<span class="media-type">${file.mime_type}</span>` },
  { key: "size", label: t("files.size"), align: "end", sort: "size", render: (file) => html`<${Size} bytes=${file.file_size} />` },
  { key: "time", label: t("files.uploaded"), align: "end", sort: "time", render: (file) => html`<${Time} value=${file.upload_time} />` },
  {
    key: "expires",
    label: t("files.expires"),
    align: "end",
    wide: true,
    render: (file) => (file.expires_at ? html`<${Time} value=${file.expires_at} relative />` : html`<span class="quiet">–</span>`),
  },
];

/** For those who are told whose the files of others are: a name leads to all files of that owner. */
const owner = (query) => ({
  key: "owner",
  label: t("files.owner"),
  wide: true,
  render: (file) =>
    file.owner
      ? html`<a href=${href("files", { ...query, owner: file.owner, cursor: "" })}><${Sent} text=${file.owner} /></a>`
      : html`<span class="quiet" title=${t("files.no_owner")}>–</span>`,
});

/** What can be done with all that are selected. */
function Several({ files, onDone, onChanged }) {
  if (!files.length) return null;
  const remove = () => {
    removeFiles(files);
    onDone();
  };
  const show = async (event) => {
    const visibility = event.target.value;
    event.target.value = "";
    try {
      for (const file of files) await api.patch(`files/${file.file_id}`, { visibility });
      toast(t("files.changed", { count: files.length }), { tone: "ok" });
    } catch (problem) {
      toast(problemText(problem), { tone: "danger", seconds: 10 });
    }
    onDone();
    onChanged();
  };
  const shared = files.filter((file) => file.visibility !== "private");
  const links = shared.map((file) => absolute(file.download_url)).join("\n");
  return html`<div class="several" role="region" aria-label=${t("files.several")}>
    <strong>${t("files.selected", { count: files.length })}</strong>
    ${shared.length > 0 && html`<${CopyButton} text=${links} label=${t("files.copy_links")} />`}
    ${may("file:update") &&
    html`<select aria-label=${t("files.set_visibility")} value="" onChange=${show}>
      <option value="" disabled>${t("files.set_visibility")}</option>
      ${KINDS.map((kind) => html`<option key=${kind} value=${kind}>${t(`files.${kind}`)}</option>`)}
    </select>`}
    ${may("file:delete") && html`<button type="button" data-kind="danger" onClick=${remove}><${Icon} name="trash" size="16" />${t("common.delete")}</button>`}
    <button type="button" data-kind="plain" onClick=${onDone}>${t("files.select_none")}</button>
  </div>`;
}

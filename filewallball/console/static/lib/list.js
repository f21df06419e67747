// A list of the API: the table, the states in its place, and the way to other pages of it.
import { html, useMemo, useRef } from "./dom.js";
import { locale, t } from "./i18n.js";
import { refine } from "./router.js";
import { Empty, Loaded } from "./states.js";
import { DataTable, Pager } from "./table.js";

/**
 * `rows(value)` are the rows of an answer, `empty` what is said without any. `page` and `size` make pages by number,
 * `cursor` (that of the address) pages by cursor, with `foot` beside them; further properties go to the table.
 */
export function List({ state, rows, label, empty, emptyText, rowKey = (row) => row.id, page, size, cursor, foot, ...table }) {
  const none = html`<${Empty} title=${empty} text=${emptyText} />`;
  const drawn = useTable(state.value, { caption: label, rows, rowKey, isPaged: cursor !== undefined, ...table });
  return html`<${Loaded} state=${state} rows="6" isEmpty=${(value) => rows(value).length === 0 && !(page > 1)} empty=${none}>
    ${(value) =>
      html`${drawn} ${page && html`<${Numbered} ...${{ page, size, value }} count=${rows(value).length} />`}
      ${cursor !== undefined && html`<div class="list-foot">${foot}<${Pager} page=${value} cursor=${cursor} /></div>`}`}
  <//>`;
}

/**
 * The table of an answer, drawn once for each: while the next is asked for, hundreds of rows stay as they are. Pages by
 * cursor share no rows: each is a table of its own, which goes as a whole and not row by row.
 */
function useTable(value, { caption, rows, columns, current, isPaged, ...table }) {
  const answers = useRef(0);
  const key = useMemo(() => (isPaged ? ++answers.current : 0), [value]);
  return useMemo(
    () => value && html`<${DataTable} key=${key} ...${{ caption, current, ...table }} rows=${rows(value)} columns=${wrapped(columns)} />`,
    [value, caption, current, locale.get()],
  );
}

/** The content of each cell as one piece, so that a card on a phone sets it against its label as a whole. */
const wrapped = (columns) =>
  columns.map((column) => ({ ...column, render: (row) => html`<span class="cell">${column.render(row)}</span>` }));

/** The way through a list by numbers of pages; without a total a full page may have one after it. */
function Numbered({ page, size, value, count }) {
  const hasMore = value.total === undefined ? count === size : page * size < value.total;
  if (page === 1 && !hasMore) return null;
  const to = (number) => () => refine({ page: number === 1 ? "" : number });
  return html`<nav class="pager" aria-label=${t("common.pages")}>
    <button type="button" data-kind="plain" disabled=${page === 1} onClick=${to(page - 1)}>${t("common.previous")}</button>
    <span class="quiet number">${page}</span>
    <button type="button" data-kind="plain" disabled=${!hasMore} onClick=${to(page + 1)}>${t("common.next")}</button>
  </nav>`;
}

/** The number of the page that an address names. */
export const pageOf = (query) => Math.max(1, Math.trunc(Number(query.page)) || 1);

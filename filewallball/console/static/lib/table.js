// Tables that the keyboard walks through: arrows move, Enter opens, Space selects. On a phone each row is a card.
import { html, useEffect, useRef, useState } from "./dom.js";
import { t } from "./i18n.js";
import { href, place, refine } from "./router.js";
import { Icon } from "./controls.js";
import { forThisWindow } from "./storage.js";

/** So many rows are drawn at once; the rest of a long page follows when they are seen. */
const FIRST_ROWS = 60;

function useDrawn(rows) {
  const [whole, setWhole] = useState(null);
  useEffect(() => {
    if (rows.length <= FIRST_ROWS) return undefined;
    let timer = 0;
    const frame = requestAnimationFrame(() => (timer = setTimeout(() => setWhole(rows))));
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [rows]);
  return whole === rows || rows.length <= FIRST_ROWS ? rows : rows.slice(0, FIRST_ROWS);
}

/**
 * `columns`: `{key, label, render(row), align: "end", wide: true, isTitle, sort}`; a column that is `wide` is left out
 * of narrow windows, `isTitle` heads the card on a phone. `onOpen(row)` makes rows open. `selected` (a Set of keys) and
 * `onSelect(set)` let rows be selected. `sort` (`{by, order}`) and `onSort(by)` make headings with `sort` buttons.
 */
export function DataTable({ columns, rows, rowKey, caption, onOpen, selected, onSelect, sort, onSort, current }) {
  const body = useRef(null);
  const drawn = useDrawn(rows);
  const toggle = (key) => {
    const next = new Set(selected);
    if (!next.delete(key)) next.add(key);
    onSelect(next);
  };
  const keys = rows.map(rowKey);
  const isAll = selected && keys.length > 0 && keys.every((key) => selected.has(key));
  const toggleAll = () => onSelect(new Set(isAll ? [] : keys));
  const pressed = (event, row) => {
    if (event.target !== event.currentTarget) return;
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (step) {
      const all = [...body.current.children];
      all[all.indexOf(event.currentTarget) + step]?.focus();
    } else if (event.key === "Enter" && onOpen) {
      onOpen(row);
    } else if (event.key === " " && selected) {
      toggle(rowKey(row));
    } else {
      return;
    }
    event.preventDefault();
  };
  const clicked = (event, row) => {
    const isOwn = event.target.closest("a, button, input, label, summary, select");
    if (onOpen && !isOwn && !String(getSelection())) onOpen(row);
  };
  return html`<div class="table">
    <table>
      <caption class="unseen">${caption}</caption>
      <thead>
        <tr>
          ${selected &&
          html`<th class="pick" scope="col">
            <input type="checkbox" checked=${isAll} aria-label=${t("common.select_all")} onChange=${toggleAll} />
          </th>`}
          ${columns.map((column) => html`<${Heading} key=${column.key} ...${{ column, sort, onSort }} />`)}
        </tr>
      </thead>
      <tbody ref=${body}>
        ${drawn.map((row) => {
          const key = rowKey(row);
          return html`<tr
            key=${key}
            tabindex="0"
            data-opens=${Boolean(onOpen)}
            data-key=${key}
            aria-selected=${selected ? selected.has(key) : undefined}
            aria-current=${current === key ? "true" : undefined}
            onKeyDown=${(event) => pressed(event, row)}
            onClick=${(event) => clicked(event, row)}
          >
            ${selected &&
            html`<td class="pick">
              <input
                type="checkbox"
                checked=${selected.has(key)}
                aria-label=${t("common.select")}
                onChange=${() => toggle(key)}
              />
            </td>`}
            ${columns.map(
              (column) =>
                html`<td
                  key=${column.key}
                  data-label=${column.label}
                  data-align=${column.align}
                  data-wide=${column.wide}
                  data-title=${column.isTitle}
                >
                  ${column.render(row)}
                </td>`,
            )}
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

function Heading({ column, sort, onSort }) {
  const isBy = sort && column.sort && sort.by === column.sort;
  const order = isBy ? (sort.order === "asc" ? "ascending" : "descending") : undefined;
  return html`<th scope="col" data-align=${column.align} data-wide=${column.wide} aria-sort=${order}>
    ${column.sort && onSort
      ? html`<button type="button" class="heading" onClick=${() => onSort(column.sort)}>
          ${column.label}<${Icon} name=${isBy ? (sort.order === "asc" ? "up" : "down") : "sort"} size="14" />
        </button>`
      : column.label}
  </th>`;
}

const TRAIL = "fwb.trail";
const LONGEST_TRAIL = 200;

/** The page of the present list that begins at a cursor; another order or filter makes another list. */
function pageAt(cursor, name) {
  const { path, query } = place.get();
  return href(path, { ...query, open: "", [name]: cursor });
}

/** The cursor of the page from which somebody went on to this one; empty for the first, or if nobody did. */
const cursorBefore = (cursor, name) => new Map(forThisWindow.read(TRAIL, [])).get(pageAt(cursor, name)) ?? "";

function goOn(from, to, name) {
  const page = pageAt(to, name);
  const trail = forThisWindow.read(TRAIL, []).filter(([each]) => each !== page);
  forThisWindow.write(TRAIL, [...trail, [page, from]].slice(-LONGEST_TRAIL));
  refine({ [name]: to });
}

/** The way on through a list by cursors; `page` is what the API answered, the cursor is kept in the address. */
export function Pager({ page, cursor, name = "cursor" }) {
  const next = page.next_cursor;
  if (!next && !cursor) return null;
  const back = () => refine({ [name]: cursorBefore(cursor, name) });
  return html`<nav class="pager" aria-label=${t("common.pages")}>
    <button type="button" data-kind="plain" disabled=${!cursor} onClick=${() => refine({ [name]: "" })}>
      ${t("common.first_page")}
    </button>
    <button type="button" data-kind="plain" disabled=${!cursor} onClick=${back}>${t("common.previous")}</button>
    <button type="button" data-kind="plain" disabled=${!next} onClick=${() => goOn(cursor ?? "", next, name)}>
      ${t("common.next")}
    </button>
  </nav>`;
}

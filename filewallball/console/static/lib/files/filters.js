// What narrows the list of files; all of it is part of the address.
import { Field, Icon } from "../controls.js";
import { html, useEffect, useRef, useState } from "../dom.js";
import { t } from "../i18n.js";
import { refine } from "../router.js";
import { isNobody, may } from "../session.js";

export const KINDS = ["public", "unlisted", "private"];
const RARE = ["size_min", "size_max", "date_from", "date_to", "expired"];
export const FILTERS = ["name", "type", "visibility", "owner", ...RARE];
const TYPES = ["image/*", "video/*", "audio/*", "text/*", "application/pdf", "application/zip"];
const SIZES = [1 << 20, 10 << 20, 100 << 20, 1 << 30];

const set = (field) => (event) => refine({ [field]: event.target.value.trim(), cursor: "" });

export function Filters({ query, isFiltered }) {
  const [isOpen, setOpen] = useState(RARE.some((each) => query[each]));
  const clear = () => refine(Object.fromEntries([...FILTERS, "cursor"].map((each) => [each, ""])));
  const types = [...new Set([...TYPES, query.type].filter(Boolean))];
  return html`<search class="filters" data-open=${String(isOpen)}>
    <${Name} value=${query.name ?? ""} />
    <${Choice} label=${t("files.type")} name="type" query=${query} options=${types.map((type) => [type, TYPES.includes(type) ? t(`files.type_${type}`) : type])} />
    <${Choice} label=${t("files.visibility")} name="visibility" query=${query} options=${KINDS.map((kind) => [kind, t(`files.${kind}`)])} />
    ${!isNobody() && html`<${Whose} query=${query} />`}
    <button type="button" class="more" data-kind="plain" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
      <span class="on-phones">${t("common.filter")}</span><span class="on-desks">${t("files.more")}</span><${Icon} name=${isOpen ? "up" : "down"} size="16" />
    </button>
    ${isFiltered && html`<button type="button" data-kind="plain" class="clear" onClick=${clear}>${t("common.clear_filter")}</button>`}
    <div class="rare">
      <${Choice} label=${t("files.larger")} name="size_min" query=${query} options=${SIZES.map((bytes) => [String(bytes), t(`files.size_${bytes}`)])} />
      <${Day} label=${t("files.from")} name="date_from" query=${query} />
      <${Day} label=${t("files.to")} name="date_to" query=${query} />
      ${!isNobody() && html`<${Choice} label=${t("files.kept")} name="expired" any=${t("files.kept_now")} query=${query} options=${[["true", t("files.kept_expired")]]} />`}
    </div>
  </search>`;
}

/** Part of a name: asked for while it is typed. */
function Name({ value }) {
  const [name, setName] = useState(value);
  const asked = useRef(value);
  useEffect(() => {
    if (value !== asked.current) setName(value); // else it may be a letter behind what is typed now
    asked.current = value;
  }, [value]);
  useEffect(() => {
    if (name === asked.current) return undefined;
    const timer = setTimeout(() => {
      asked.current = name;
      refine({ name, cursor: "" }, { replace: true });
    }, 300);
    return () => clearTimeout(timer);
  }, [name]);
  return html`<div class="field grows"><${Field} label=${t("files.search")}>
    ${(attributes) => html`<input ...${attributes} type="search" name="name" maxlength="255" value=${name} onInput=${(event) => setName(event.target.value)} />`}
  <//></div>`;
}

/** One's own files, or for administrators those of a user. */
const Whose = ({ query }) =>
  may("file:any")
    ? html`<div class="field"><${Field} label=${t("files.owner")}>
        ${(attributes) => html`<input ...${attributes} type="search" name="owner" maxlength="128" autocomplete="off" spellcheck="false" placeholder=${t("files.any")} value=${query.owner ?? ""} onChange=${set("owner")} />`}
      <//></div>`
    : html`<${Choice} label=${t("files.owner")} name="owner" query=${query} options=${[["me", t("files.mine")]]} />`;

const Choice = ({ label, name, query, options, any = t("files.any") }) =>
  html`<div class="field"><${Field} label=${label}>
    ${(attributes) =>
      html`<select ...${attributes} name=${name} value=${query[name] ?? ""} onChange=${set(name)}>
        <option value="">${any}</option>
        ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      </select>`}
  <//></div>`;

const Day = ({ label, name, query }) =>
  html`<div class="field"><${Field} label=${label}>
    ${(attributes) => html`<input ...${attributes} type="date" name=${name} value=${query[name] ?? ""} onChange=${set(name)} />`}
  <//></div>`;

// Small parts: icons, badges, fields, copying.
import { html, useEffect, useId, useRef, useState } from "./dom.js";
import { t } from "./i18n.js";

const ICONS = {
  upload: "M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
  files: "M4 6a2 2 0 0 1 2-2h4l2 2h6a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z",
  file: "M7 3h7l5 5v12a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zm7 0v5h5",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7l1.2-1.2",
  overview: "M4 20V10m5.3 10V4m5.4 16v-8M20 20V7",
  audit: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  health: "M3 12h4l3 8 4-16 3 8h4",
  security: "M12 3 4.5 6v6c0 4.5 3.2 7.6 7.5 9 4.3-1.4 7.5-4.5 7.5-9V6z",
  access: "M15 11a4 4 0 1 0-6 0M4 20c.6-3.5 3.6-5 8-5s7.4 1.5 8 5",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  alert: "M12 8v5m0 3.5v.01M10.3 4.2 2.8 17.4A2 2 0 0 0 4.5 20.4h15a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0z",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1z",
  inbox: "M4 13h4l1.5 3h5L16 13h4M4 13l3-8h10l3 8v5a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z",
  check: "M5 12.5 10 17 19 7",
  copy: "M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1zM5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1",
  down: "M6 9l6 6 6-6",
  up: "M6 15l6-6 6 6",
  sort: "M8 10l4-4 4 4M8 14l4 4 4-4",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm5 12 4 4",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  pause: "M9 6v12M15 6v12",
  play: "M8 5l11 7-11 7z",
  folder: "M4 6a2 2 0 0 1 2-2h4l2 2h6a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2zM18 14h2M14 20h2",
  download: "M12 4v12m0 0 5-5m-5 5-5-5M4 20h16",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  refresh: "M20 11a8 8 0 0 0-14.5-4L4 9m0-5v5h5M4 13a8 8 0 0 0 14.5 4L20 15m0 5v-5h-5",
  out: "M14 4h6v6m0-6-9 9M19 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1h5",
  sun: "M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM12 2v2m0 16v2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4M2 12h2m16 0h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zm0 4v4l3 2",
  plus: "M12 5v14M5 12h14",
};

export const Icon = ({ name, size = 18 }) =>
  html`<svg
    class="icon"
    width=${`${size / 16}rem`}
    height=${`${size / 16}rem`}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.7"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d=${ICONS[name] ?? ICONS.file} />
  </svg>`;

/** A word with a colour: `tone` is plain, ok, info, warn or danger. */
export const Badge = ({ tone = "plain", children }) => html`<span class="badge" data-tone=${tone}>${children}</span>`;

/** Copy to the clipboard, also where the page is not served securely. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

export function CopyButton({ text, label, isQuiet = false }) {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    const timer = isDone ? setTimeout(() => setDone(false), 2000) : 0;
    return () => clearTimeout(timer);
  }, [isDone]);
  const shown = isDone ? t("common.copied") : (label ?? t("common.copy"));
  const run = async () => {
    await copy(text);
    setDone(true);
  };
  return html`<button
    type="button"
    class=${isQuiet ? "icon-button" : ""}
    data-kind="plain"
    aria-label=${isQuiet ? `${shown}: ${text}` : undefined}
    title=${isQuiet ? shown : undefined}
    onClick=${run}
  >
    <${Icon} name=${isDone ? "check" : "copy"} size="16" />${!isQuiet && html`<span aria-live="polite">${shown}</span>`}
  </button>`;
}

/** A label, its control, a hint and what is wrong. `children` is a function of the attributes that the control takes. */
export function Field({ label, hint, error, children }) {
  const id = useId();
  const note = error || hint;
  const attributes = {
    id,
    "aria-describedby": note ? `${id}-note` : undefined,
    "aria-invalid": error ? "true" : undefined,
  };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${[].concat(children)[0](attributes)}
    ${note && html`<small id=${`${id}-note`} data-tone=${error ? "danger" : undefined}>${note}</small>`}
  </div>`;
}

/** The head of a view: its title, one line about it, and what can be done. */
export function PageHead({ title, text, children }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} · FileWallBall`;
  }, [title]);
  return html`<div class="page-head">
    <div>
      <h1 ref=${heading} tabindex="-1">${title}</h1>
      ${text && html`<p class="quiet">${text}</p>`}
    </div>
    ${children && html`<div class="page-actions">${children}</div>`}
  </div>`;
}

/** Names and values: `facts` is a list of `[label, value]`; those without a value are left out. */
export const Facts = ({ facts }) =>
  html`<dl class="facts">
    ${facts
      .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
      .map(
        ([label, value]) =>
          html`<div key=${label}>
            <dt>${label}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
  </dl>`;

/** Links to the parts of a view: `tabs` is a list of `{id, label, href}`. */
export const Tabs = ({ tabs, current, label }) =>
  html`<nav class="tabs" aria-label=${label}>
    ${tabs.map(
      ({ id, label, href }) =>
        html`<a key=${id} href=${href} aria-current=${id === current ? "page" : undefined}>${label}</a>`,
    )}
  </nav>`;

/** Text that is shown once: selected on a click, with a button to copy it. */
export const Secret = ({ text, label }) =>
  html`<div class="secret">
    <input readonly aria-label=${label} value=${text} onFocus=${(event) => event.target.select()} />
    <${CopyButton} text=${text} />
  </div>`;

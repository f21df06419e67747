// Around every view: the navigation, who is here, language and theme, and the question for a token.
import { html, useEffect, useState } from "./dom.js";
import { LOCALES, locale, speak, t } from "./i18n.js";
import { href, usePlace } from "./router.js";
import { ROUTES } from "./routes.js";
import { askForToken, isOpen, signIn, signOut, stopAsking, useSession } from "./session.js";
import { Field, Icon } from "./controls.js";
import { Dialog } from "./overlays.js";
import { ProblemNote, roleText } from "./states.js";
import { forThisBrowser } from "./storage.js";
import { ROOT, token } from "./api.js";

const GROUPS = ["files", "operations"];

const Mark = () =>
  html`<svg class="mark" width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="8" fill="var(--brand)" />
    <path d="M7 10h7v5H7zM16 10h9v5h-9zM7 17h10v5H7z" fill="var(--brand-ink)" />
    <circle cx="22" cy="19.5" r="3" fill="var(--brand-spark)" />
  </svg>`;

/** At the left, or under a button where there is no room. */
export function Navigation({ view }) {
  const [isOpen, setOpen] = useState(false);
  const place = usePlace();
  useEffect(() => setOpen(false), [place.path]);
  useEffect(() => {
    const pressed = (event) => event.key === "Escape" && setOpen(false);
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  return html`<header class="bar" data-open=${isOpen}>
    <div class="bar-head">
      <a class="brand" href=${href("")}><${Mark} /><span>FileWallBall</span></a>
      <button
        type="button"
        class="icon-button menu"
        aria-expanded=${isOpen}
        aria-controls="navigation"
        aria-label=${t("common.menu")}
        onClick=${() => setOpen(!isOpen)}
      >
        <${Icon} name=${isOpen ? "close" : "menu"} size="22" />
      </button>
    </div>
    <div class="bar-body" id="navigation">
      <nav aria-label=${t("common.views")}>
        ${GROUPS.map((group) => html`<${Group} key=${group} ...${{ group, view }} />`)}
      </nav>
      <div class="bar-foot">
        <${Who} />
        <${Preferences} />
      </div>
    </div>
  </header>`;
}

function Group({ group, view }) {
  useSession();
  const shown = ROUTES.filter((route) => route.group === group && isOpen(route));
  if (!shown.length) return null;
  return html`<div class="nav-group">
    <p class="nav-title">${t(`common.group_${group}`)}</p>
    <ul>
      ${shown.map(
        (route) =>
          html`<li key=${route.view}>
            <a href=${href(route.path.replace(/\/?:.*$/, ""))} aria-current=${route.view === view ? "page" : undefined}>
              <${Icon} name=${route.icon} />${t(`common.view_${route.view}`)}
            </a>
          </li>`,
      )}
    </ul>
  </div>`;
}

function Who() {
  const { me } = useSession();
  return html`<div class="who">
    <div class="who-name">
      <strong>${me ? me.username || t("common.anonymous") : "…"}</strong>
      <span class="quiet small">${me ? roleText(me.role) : " "}</span>
    </div>
    ${token.get()
      ? html`<button type="button" data-kind="plain" onClick=${signOut}>${t("common.sign_out")}</button>`
      : html`<button type="button" data-kind="plain" onClick=${() => askForToken()}>${t("common.sign_in")}</button>`}
  </div>`;
}

const isDark = () =>
  (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function Preferences() {
  const [dark, setDark] = useState(isDark());
  const turn = () => {
    const theme = dark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    forThisBrowser.set("fwb.theme", theme);
    setDark(!dark);
  };
  return html`<div class="preferences">
    <select aria-label=${t("common.language")} value=${locale.get()} onChange=${(event) => speak(event.target.value)}>
      ${Object.entries(LOCALES).map(([code, name]) => html`<option key=${code} value=${code} lang=${code}>${name}</option>`)}
    </select>
    <button type="button" class="icon-button" aria-label=${t(dark ? "common.light" : "common.dark")} onClick=${turn}>
      <${Icon} name=${dark ? "sun" : "moon"} />
    </button>
    <a class="icon-button" href=${`${ROOT}docs`} target="_blank" rel="noopener" aria-label=${t("common.docs")} title=${t("common.docs")}>
      <${Icon} name="out" />
    </a>
  </div>`;
}

/** Asks for a token, and keeps it if the service knows it. */
export function TokenDialog() {
  const { problem: earlier } = useSession();
  const [state, setState] = useState({ text: "", problem: earlier, isBusy: false });
  const submit = async (event) => {
    event.preventDefault();
    setState((now) => ({ ...now, isBusy: true, problem: null }));
    try {
      await signIn(state.text.trim());
    } catch (problem) {
      setState((now) => ({ ...now, isBusy: false, problem }));
    }
  };
  return html`<${Dialog} title=${t("common.sign_in")} onClose=${stopAsking}>
    <form onSubmit=${submit}>
      <${ProblemNote} problem=${state.problem} />
      <${Field} label=${t("common.token")} hint=${t("common.token_hint")}>
        ${(attributes) =>
          html`<input
            ...${attributes}
            type="password"
            name="token"
            autocomplete="off"
            spellcheck="false"
            autofocus
            required
            value=${state.text}
            onInput=${(event) => setState((now) => ({ ...now, text: event.target.value }))}
          />`}
      <//>
      <div class="actions">
        <button type="button" data-kind="plain" onClick=${stopAsking}>${t("common.cancel")}</button>
        <button type="submit" aria-busy=${state.isBusy} disabled=${state.isBusy || !state.text.trim()}>
          ${t("common.sign_in")}
        </button>
      </div>
    </form>
  <//>`;
}

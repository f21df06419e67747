// The states between asking and having: loading, refused, empty, not allowed.
import { html, useCallback, useLayoutEffect, useRef, useState } from "./dom.js";
import { has, t } from "./i18n.js";
import { askForToken, useSession } from "./session.js";
import { Icon } from "./controls.js";
import { token } from "./api.js";

/**
 * What `load(signal)` gives, asked again when `inputs` change or `reload()` is called, and every `every` seconds while
 * the page is seen. While it is asked again, the former value stays.
 */
export function useLoad(load, inputs = [], { every = 0 } = {}) {
  const [state, setState] = useState({ status: "loading", value: null, problem: null });
  const asked = useRef(null);
  const run = useCallback(() => {
    asked.current?.abort();
    const controller = new AbortController();
    asked.current = controller;
    setState((now) => ({ ...now, status: now.value === null ? "loading" : "reloading" }));
    return load(controller.signal).then(
      (value) => controller.signal.aborted || setState({ status: "ready", value, problem: null }),
      (problem) => controller.signal.aborted || setState((now) => ({ ...now, status: "error", problem })),
    );
  }, inputs);
  // Before the page is painted: the answer is there a frame earlier.
  useLayoutEffect(() => {
    run();
    const again = () => document.visibilityState === "visible" && run();
    const timer = every ? setInterval(again, every * 1000) : 0;
    return () => {
      clearInterval(timer);
      asked.current?.abort();
    };
  }, [run, every]);
  return { ...state, reload: run };
}

// Errors whose detail says more than the sentence for their code: which type, how large, how much is left.
const TELLING = new Set(["invalid_file_type", "file_too_large", "quota_exceeded", "suspicious_file", "validation_error", "conflict", "bad_request"]);

// What proxies say by a status alone.
const PROXIES = { http_413: "request_too_large", http_429: "rate_limited", http_502: "unavailable", http_503: "unavailable", http_504: "unavailable" };

/** What an error code means, in a few words of the reader's language; the code itself where it has no words. */
export const codeText = (code) => (has(`common.error_${code}`) ? t(`common.error_${code}`).split(/[;.]/)[0] : code);

/** A sentence for a problem, in the reader's language where there is one for its code. */
export function problemText(problem) {
  if (!problem) return "";
  const key = `common.error_${PROXIES[problem.code] ?? problem.code}`;
  const isKnown = has(key);
  const own = isKnown ? t(key, { seconds: Math.max(1, problem.retryAfter ?? 0) }) : problem.title;
  const fields = Object.entries(problem.errors ?? {}).map(([name, texts]) => `${name}: ${[].concat(texts).join(" ")}`);
  const detail = isKnown && !TELLING.has(problem.code) ? "" : fields.join(" ") || problem.detail;
  return [own, detail].filter((text, place, all) => text && all.indexOf(text) === place).join(" · ") || t("common.error");
}

/** A problem in words, with the request id that leads to its record. */
export function ProblemNote({ problem, onRetry }) {
  if (!problem) return null;
  return html`<div class="note" data-tone="danger" role="alert">
    <${Icon} name="alert" />
    <div>
      <p>${problemText(problem)}</p>
      ${problem.requestId && html`<p class="quiet small">${t("common.request")} <code>${problem.requestId}</code></p>`}
    </div>
    ${onRetry && html`<button type="button" data-kind="plain" onClick=${onRetry}>${t("common.retry")}</button>`}
  </div>`;
}

/** Bars that stand where the content will be. */
export const Skeleton = ({ rows = 6 }) =>
  html`<div class="skeleton" aria-busy="true" aria-label=${t("common.loading")} role="status">
    ${Array.from({ length: rows }, (_, row) => html`<span key=${row}></span>`)}
  </div>`;

/** The heading of a state that stands for a whole page, or for a part of one. */
function Heading({ isPage, text }) {
  useLayoutEffect(() => {
    if (isPage) document.title = `${text} · FileWallBall`;
  }, [isPage, text]);
  return isPage ? html`<h1>${text}</h1>` : html`<h2>${text}</h2>`;
}

/** Nothing here (yet): what would be, and how to begin. */
export const Empty = ({ icon = "inbox", title, text, isPage, children }) =>
  html`<div class="state">
    <${Icon} name=${icon} size="28" />
    <${Heading} isPage=${isPage} text=${title} />
    ${text && html`<p>${text}</p>`} ${children}
  </div>`;

/** The name of a role in the reader's language. */
export const roleText = (role) => (has(`common.role_${role}`) ? t(`common.role_${role}`) : role || "–");

/** What this caller may not see, and how somebody who may gets in. */
export function NotAllowed({ permission, isPage }) {
  const { me } = useSession();
  const who = me?.username || t("common.anonymous");
  return html`<div class="state">
    <${Icon} name="lock" size="28" />
    <${Heading} isPage=${isPage} text=${t("common.not_allowed")} />
    <p>${t(me?.user_id ? "common.not_allowed_text" : "common.not_signed_in_text", { who, role: roleText(me?.role) })}</p>
    ${permission && html`<p class="quiet small">${t("common.needs")} <code>${permission}</code></p>`}
    <button type="button" onClick=${() => askForToken()}>
      ${token.get() ? t("common.other_token") : t("common.sign_in")}
    </button>
  </div>`;
}

/**
 * The value of `useLoad` once it is there, else the state in its place:
 * `<${Loaded} state=${files} isEmpty=${(value) => …} empty=${html`…`}>${(value) => html`…`}<//>`.
 */
export function Loaded({ state, isEmpty = () => false, empty = null, rows, children }) {
  const { status, value, problem, reload } = state;
  if (problem && (problem.code === "forbidden" || problem.code === "auth_missing")) return html`<${NotAllowed} />`;
  if (value === null) {
    return problem ? html`<${ProblemNote} problem=${problem} onRetry=${reload} />` : html`<${Skeleton} rows=${rows} />`;
  }
  const draw = [].concat(children)[0];
  return html`<div class="loaded" aria-busy=${status === "reloading"}>
    ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
    ${isEmpty(value) ? empty : draw(value)}
  </div>`;
}

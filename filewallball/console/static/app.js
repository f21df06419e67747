// The frame of the console: who is here, the way between the views, and the view of the present address.
import { html, render, useEffect, useState } from "./lib/dom.js";
import { loadMessages, t, useLocale } from "./lib/i18n.js";
import { href, match, usePlace } from "./lib/router.js";
import { ROUTES } from "./lib/routes.js";
import { begin, isOpen, useSession } from "./lib/session.js";
import { Empty, NotAllowed, ProblemNote, Skeleton } from "./lib/states.js";
import { Toasts } from "./lib/overlays.js";
import { Navigation, TokenDialog } from "./lib/frame.js";
import { forThisWindow } from "./lib/storage.js";

const views = new Map();
const RELOADED = "fwb.reloaded";

/** The status of an answer to a request for the file of a view; 0 where nobody answers. */
const statusOf = (name) =>
  fetch(new URL(`views/${name}.js`, import.meta.url), { method: "HEAD", cache: "no-store" }).then(
    ({ status }) => status,
    () => 0,
  );

/** Load a view and its messages. After an upgrade of the service the files of this page are gone: load it anew, once. */
async function loadView(name) {
  try {
    const [module] = await Promise.all([import(`./views/${name}.js`), loadMessages(name)]);
    forThisWindow.remove(RELOADED);
    views.set(name, module.default);
  } catch (error) {
    if (forThisWindow.get(RELOADED) || (await statusOf(name)) !== 404) throw error;
    forThisWindow.set(RELOADED, "1");
    location.reload();
  }
}

function useView(name) {
  const [found, setFound] = useState({ name: "", View: null });
  useEffect(() => {
    if (!name) return;
    let isWanted = true;
    loadView(name).then(
      () => isWanted && setFound({ name, View: views.get(name) ?? null }),
      (error) => isWanted && setFound({ name, View: null, error }),
    );
    return () => {
      isWanted = false;
    };
  }, [name]);
  if (views.has(name)) return { View: views.get(name) };
  return found.name === name ? found : { View: null };
}

function Content({ found }) {
  const { status, problem, me } = useSession();
  const isAllowed = status === "ready" && (!found || isOpen(found.route));
  const { View, error } = useView(isAllowed ? found?.route.view : "");
  const place = usePlace();
  if (status === "failed") return html`<${ProblemNote} problem=${problem} onRetry=${begin} />`;
  if (!found) {
    return html`<${Empty} isPage icon="search" title=${t("common.no_view")} text=${t("common.no_view_text")}>
      <a href=${href("")} role="button">${t("common.to_start")}</a>
    <//>`;
  }
  // A browser keeps in mind which files it failed to load. Loading the page anew ends that, and all else on the page.
  const again = async () => (await statusOf(found.route.view)) && location.reload();
  if (error) return html`<${ProblemNote} problem=${{ code: "offline" }} onRetry=${again} />`;
  if (status === "ready" && !isAllowed) return html`<${NotAllowed} isPage permission=${found.route.permission} />`;
  if (!View) return html`<${Skeleton} rows="8" />`;
  // Drawn anew for somebody else, who may see other things.
  return html`<${View} key=${`${found.route.view} ${me?.user_id ?? 0}`} params=${found.params} query=${place.query} />`;
}

function App() {
  useLocale();
  const { path } = usePlace();
  const session = useSession();
  const found = match(ROUTES, path);
  const view = found?.route.view ?? "";
  return html`<div class="frame shell">
    <a class="skip" href="#content">${t("common.skip")}</a>
    <${Navigation} view=${view} />
    <main id="content" tabindex="-1" data-view=${view}><${Content} found=${found} /></main>
    <${Toasts} />
    ${session.isAsking && html`<${TokenDialog} />`}
  </div>`;
}

await loadMessages("common");
begin();
render(html`<${App} />`, document.getElementById("app"));

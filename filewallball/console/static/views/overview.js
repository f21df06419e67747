// The service at a glance, or one client of it: figures, charts over time, who does most, what fails.
import { useAnswer } from "../lib/answers.js";
import { api } from "../lib/api.js";
import { PageHead } from "../lib/controls.js";
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { Choice } from "../lib/panels.js";
import { href, refine } from "../lib/router.js";
import { may, useSession } from "../lib/session.js";
import { useLoad } from "../lib/states.js";
import { WINDOWS, windowOf, windowStart } from "../lib/windows.js";
import { Charts, SERIES, SERIES_OF_ALL } from "../lib/overview/charts.js";
import { Client } from "../lib/overview/client.js";
import { Service } from "../lib/overview/service.js";

const EVERY_SECONDS = 30;

export default function Overview({ query }) {
  const { me } = useSession();
  const isForAll = may("stats:read");
  const client = query.client || (isForAll ? "" : me.address);
  const windows = client ? WINDOWS.filter((days) => days > 1) : WINDOWS;
  const days = Math.max(windowOf(query.days), windows[0]);
  const wanted = { series: [...SERIES, ...(client ? [] : SERIES_OF_ALL)].join(","), from: windowStart(days), client };
  const isAllowed = isForAll || client === me.address;
  const load = (signal) => (isAllowed ? api.get("/api/v1/stats/series", wanted, { signal }) : Promise.resolve({ series: {} }));
  const series = useLoad(load, [JSON.stringify(wanted), isAllowed], { every: EVERY_SECONDS });
  const { value: settings } = useAnswer("/api/v1/console");
  return html`<div class="dense stack">
    <${PageHead}
      title=${client ? t("overview.client_title", { client }) : t("overview.title")}
      text=${t(client ? "overview.client_text" : "overview.text")}
    >
      ${isForAll && html`<${ClientField} client=${query.client ?? ""} />`}
      <${Choice}
        label=${t("overview.window")}
        values=${windows.map((each) => [each, t(`overview.window_${each}`)])}
        current=${days}
        address=${(each) => href("overview", { ...query, days: each })}
      />
    <//>
    ${client
      ? html`<${Client} client=${client} days=${days} isForAll=${isForAll} query=${query} />`
      : html`<${Service} days=${days} series=${series.value?.series} query=${query} />`}
    <${Charts} state=${series} grafana=${settings?.grafana_url} days=${days} isOfClient=${Boolean(client)} />
  </div>`;
}

/** A field that leads to the figures of one client. */
function ClientField({ client }) {
  const apply = (event) => {
    event.preventDefault();
    refine({ client: new FormData(event.target).get("client").trim() });
  };
  return html`<form class="inline-form" onSubmit=${apply} key=${client}>
    <input
      type="search"
      name="client"
      defaultValue=${client}
      aria-label=${t("overview.client_address")}
      placeholder=${t("overview.client_address")}
      autocomplete="off"
      spellcheck="false"
    />
    <button type="submit" data-kind="plain">${t("overview.show")}</button>
  </form>`;
}

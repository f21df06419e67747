// The story of a request: its operations, what their errors mean, and the blocks that seal them.
import { useAnswer } from "../answers.js";
import { CopyButton, Facts, PageHead } from "../controls.js";
import { html } from "../dom.js";
import { Time, durationText, numberText } from "../format.js";
import { locale, t } from "../i18n.js";
import { Code, Panel, State } from "../panels.js";
import { href } from "../router.js";
import { codeText, Empty, Loaded } from "../states.js";
import { Outcome } from "./columns.js";
import { Event } from "./event.js";

const VERIFIED = { intact: "ok", broken: "danger", not_checked: "plain" };

export function Story({ requestId }) {
  const state = useAnswer(`/api/v1/audit/requests/${encodeURIComponent(requestId)}`);
  return html`<div class="dense">
    <p class="trail"><a href=${href("audit")}>${t("audit.title")}</a></p>
    <${PageHead} title=${t("audit.story")} text=${html`<${Code} text=${requestId} />`}>
      <${CopyButton} text=${requestId} label=${t("audit.copy_id")} />
    <//>
    ${state.problem?.status === 404
      ? html`<${Empty} icon="search" title=${t("audit.story_none")} text=${t("audit.story_none_text")} />`
      : html`<${Loaded} state=${state} rows="8">${(story) => html`<${Chapters} story=${story} />`}<//>`}
  </div>`;
}

const Chapters = ({ story }) =>
  html`<div class="stack">
    <p class="quiet">${t("audit.story_operations", { count: story.operations.length })}</p>
    <ol class="story">
      ${story.operations.map((row) => html`<li key=${row.id}><${Chapter} row=${row} /></li>`)}
    </ol>
    ${!story.is_whole && html`<p class="quiet">${t("audit.story_more")}</p>`}
  </div>`;

/** One operation in three steps: what was done, what went wrong, what seals it. */
function Chapter({ row }) {
  const title = html`<span class="row"><${Code} text=${row.action} /><${Outcome} row=${row} /></span>`;
  const when = html`<${Time} value=${row.timestamp} style="full" />`;
  const took = row.duration_ms > 0 ? html` · ${durationText(row.duration_ms / 1000)}` : null;
  return html`<${Panel} title=${title} actions=${html`<span class="quiet">${when}${took}</span>`}>
    ${row.error && html`<${Cause} code=${row.error_type} error=${row.error} />`}
    <${Event} row=${row} />
    <h3>${t("audit.seal")}</h3>
    ${row.block ? html`<${Seal} block=${row.block} />` : html`<p class="quiet">${t("audit.not_sealed")}</p>`}
  <//>`;
}

const Cause = ({ code, error }) =>
  html`<div class="note" data-tone=${error.side === "server" ? "danger" : "warn"}>
    <div>
      <p><strong>${locale.get() === "en" ? error.title : codeText(code)}</strong> · ${t(`audit.side_${error.side}`, { status: error.status })}</p>
      ${error.advice && html`<p>${error.advice}</p>`}
      ${error.retry_after && html`<p>${t("audit.retry_after", { time: durationText(error.retry_after) })}</p>`}
    </div>
  </div>`;

const Seal = ({ block }) =>
  html`<${Facts}
    facts=${[
      [t("audit.block"), numberText(block.number)],
      [t("audit.block_rows"), `${numberText(block.first_id)}–${numberText(block.last_id)}`],
      [t("audit.sealed_at"), html`<${Time} value=${block.sealed_at} style="full" />`],
      [t("audit.verified"), html`<${State} tone=${VERIFIED[block.verified]}>${t(`audit.block_${block.verified}`)}<//>`],
      [t("audit.seal_value"), html`<${Code} text=${block.seal} />`],
    ]}
  />`;

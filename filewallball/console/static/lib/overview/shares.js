// Parts of a whole as a list with bars: causes of failure, media types.
import { useAnswer } from "../answers.js";
import { html } from "../dom.js";
import { numberText, percentText } from "../format.js";
import { t } from "../i18n.js";
import { Meter, Panel } from "../panels.js";
import { href } from "../router.js";
import { may } from "../session.js";
import { Loaded } from "../states.js";

const MOST = 8;

/** Why uploads failed in the period. */
export function Causes({ days }) {
  const state = useAnswer("/api/v1/upload/errors", { days }, { every: 60 });
  const address = may("audit:read") && ((code) => href("audit", { error_type: code, action: "file:upload" }));
  return html`<${Loaded} state=${state} rows="5">
    ${(value) =>
      html`<${Shares} counts=${value.error_types} title=${t("overview.causes")} empty=${t("overview.causes_none")} address=${address} />`}
  <//>`;
}

export const Types = ({ counts, title }) =>
  html`<${Shares} counts=${counts} title=${title} empty=${t("overview.types_none")} />`;

/** The largest counts with their share of all; the rest in one line. `address(name)` is where a name leads. */
export function Shares({ counts, title, empty, address }) {
  const all = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const total = all.reduce((sum, [, count]) => sum + count, 0);
  const rest = all.slice(MOST).reduce((sum, [, count]) => sum + count, 0);
  const shown = rest ? [...all.slice(0, MOST), ["", rest]] : all;
  return html`<${Panel} title=${title}>
    ${shown.length === 0
      ? html`<p class="quiet">${empty}</p>`
      : html`<table class="shares">
          <caption class="unseen">${title}</caption>
          <thead class="unseen"><tr>${["name", "bar", "count", "share"].map((key) => html`<th key=${key} scope="col">${t(`overview.share_${key}`)}</th>`)}</tr></thead>
          <tbody>
            ${shown.map(([name, count]) => html`<${Share} key=${name} ...${{ name, count, total, address }} />`)}
          </tbody>
        </table>`}
  <//>`;
}

function Share({ name, count, total, address }) {
  const label = name ? html`<bdi class="code">${breakable(name)}</bdi>` : t("overview.others");
  return html`<tr>
    <th scope="row">${name && address ? html`<a href=${address(name)}>${label}</a>` : label}</th>
    <td class="share"><${Meter} share=${count / total} /></td>
    <td data-align="end" class="number">${numberText(count)}</td>
    <td data-align="end" class="number quiet">${percentText(count / total, 0)}</td>
  </tr>`;
}

/** A name that goes on in the next line after `_` or `/` rather than anywhere. */
const breakable = (name) => name.split(/(?<=[_/])/).map((piece) => html`${piece}<wbr />`);

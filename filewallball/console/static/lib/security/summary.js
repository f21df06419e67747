// What was turned away or noticed, over time.
import { useAnswer } from "../answers.js";
import { WHOLE } from "../chart.js";
import { html } from "../dom.js";
import { numberText } from "../format.js";
import { t } from "../i18n.js";
import { Choice, Figure, Figures } from "../panels.js";
import { href } from "../router.js";
import { SeriesChart } from "../series.js";
import { Loaded } from "../states.js";
import { WINDOWS, windowOf, windowStart } from "../windows.js";

const CHARTS = { auth_failures: "danger", rate_limited: "warn", suspicious: "danger", denied: 2 };

export function Summary({ query }) {
  const days = windowOf(query.days);
  const detailed = useAnswer("/api/v1/metrics/detailed", { days }, { every: 30 });
  const wanted = { series: Object.keys(CHARTS).join(","), from: windowStart(days) };
  const series = useAnswer("/api/v1/stats/series", wanted, { every: 60 });
  return html`<div class="stack">
    <${Choice}
      label=${t("security.window")}
      values=${WINDOWS.map((each) => [each, t(`security.window_${each}`)])}
      current=${days}
      address=${(each) => href("security", { days: each })}
    />
    <${Loaded} state=${detailed} rows="3">${(value) => html`<${Counts} counts=${value.security_metrics} />`}<//>
    <${Loaded} state=${series} rows="8">
      ${(value) =>
        html`<div class="charts">
          ${Object.entries(CHARTS).map(
            ([name, tone]) =>
              html`<${SeriesChart}
                key=${name}
                title=${t(`security.chart_${name}`)}
                answer=${value}
                lines=${[{ series: name, label: t(`security.chart_${name}`), tone }]}
                bars
                steps=${WHOLE}
              />`,
          )}
        </div>`}
    <//>
  </div>`;
}

const Counts = ({ counts }) => {
  const figure = (name, tone) =>
    html`<${Figure} label=${t(`security.${name}`)} value=${numberText(counts[name])} tone=${counts[name] ? tone : undefined} note=${t(`security.${name}_note`)} />`;
  return html`<${Figures}>
    ${figure("failed_authentications", "warn")} ${figure("rate_limit_violations", "warn")}
    ${figure("suspicious_uploads", "danger")} ${figure("blocked_ips")}
  <//>`;
};

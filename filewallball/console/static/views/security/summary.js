// What was turned away or noticed, over time.
import { useAnswer } from "../../lib/answers.js";
import { WHOLE } from "../../lib/chart.js";
import { html } from "../../lib/dom.js";
import { numberText } from "../../lib/format.js";
import { t } from "../../lib/i18n.js";
import { Choice, Figure, Figures } from "../../lib/panels.js";
import { href } from "../../lib/router.js";
import { SeriesChart } from "../../lib/series.js";
import { Loaded } from "../../lib/states.js";
import { WINDOWS, windowOf, windowStart } from "../../lib/windows.js";

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

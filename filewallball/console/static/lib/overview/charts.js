// Charts over time, each with its figures in a table behind it and the same panel in Grafana where there is one.
import { BYTES, WHOLE } from "../chart.js";
import { html } from "../dom.js";
import { durationText, numberText, percentText, sizeText } from "../format.js";
import { t } from "../i18n.js";
import { Loaded } from "../states.js";
import { SeriesChart } from "../series.js";

const DASHBOARD = "filewallball-overview";

/** `grafana` is the number of the panel on DASHBOARD, `ofClient` the lines for one client, of whom less is known. */
export const CHARTS = [
  { name: "uploads", grafana: 15, format: numberText, bars: true, steps: WHOLE, lines: [["uploads", "value", "ok"], ["failures", "value", "danger"]] },
  { name: "response", grafana: 30, format: durationText, lines: [["duration", "p50", 3], ["duration", "p95", 1], ["duration", "p99", "warn"]], ofClient: [["duration", "value", 1]] },
  { name: "error_rate", grafana: 35, format: (value) => percentText(value / 100), lines: [["errors", "value", "danger"]] },
  { name: "traffic", grafana: 17, format: sizeText, steps: BYTES, lines: [["received", "value", 1], ["sent", "value", 2]] },
  { name: "storage", grafana: 38, format: sizeText, steps: BYTES, lines: [["bytes", "value", 1]] },
  { name: "downloads", grafana: 16, format: numberText, bars: true, steps: WHOLE, lines: [["downloads", "value", 3]] },
];

/** The series that the charts need, and those of them that are known of the whole service alone. */
export const SERIES = ["uploads", "failures", "downloads", "received", "sent", "duration", "errors"];
export const SERIES_OF_ALL = ["bytes"];

/** All charts whose series the answer has. */
export function Charts({ state, grafana, days, isOfClient }) {
  const linesOf = ({ lines, ofClient }) => (isOfClient && ofClient) || lines;
  return html`<${Loaded} state=${state} rows="8">
    ${(answer) =>
      html`<div class="charts">
        ${CHARTS.filter((chart) => linesOf(chart).every(([series]) => answer.series[series])).map(
          (chart) => html`<${One} key=${chart.name} chart=${chart} of=${linesOf(chart)} answer=${answer} address=${grafana && panelOf(grafana, chart, days)} />`,
        )}
      </div>`}
  <//>`;
}

const panelOf = (grafana, chart, days) => `${grafana}/d/${DASHBOARD}?viewPanel=${chart.grafana}&from=now-${days}d&to=now`;

function One({ chart, of, answer, address }) {
  const lines = of.map(([series, value, tone]) => ({
    series,
    value,
    tone,
    label: t(`overview.line_${series}${value === "value" ? "" : `_${value}`}`),
  }));
  const outward = address && html`<a href=${address} target="_blank" rel="noopener">${t("overview.grafana")}</a>`;
  return html`<${SeriesChart}
    title=${t(`overview.chart_${chart.name}`)}
    answer=${answer}
    lines=${lines}
    format=${chart.format}
    bars=${chart.bars}
    steps=${chart.steps}
    aside=${outward}
  />`;
}

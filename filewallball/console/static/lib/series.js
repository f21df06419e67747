// A chart of what GET /api/v1/stats/series answers.
import { Chart } from "./chart.js";
import { html, useMemo } from "./dom.js";

/** `lines` are `{series, value, label, tone}`: which value of which series; the chart is drawn anew with each answer. */
export function SeriesChart({ title, answer, lines, ...look }) {
  const drawn = useMemo(() => {
    const points = answer.series[lines[0].series] ?? [];
    const times = points.map((point) => Date.parse(point.start) / 1000);
    const series = lines.map(({ series: name, value = "value", label, tone }) => ({
      label,
      tone,
      values: answer.series[name].map((point) => point[value] ?? null),
    }));
    return { times, series };
  }, [answer, title]);
  return html`<${Chart} title=${title} ...${drawn} ...${look} />`;
}

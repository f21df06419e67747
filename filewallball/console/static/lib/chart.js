// A chart of series over time, drawn by uPlot once it is needed, with its numbers as a table behind it.
import { html, loadScript, loadStyle, useEffect, useRef, useState } from "./dom.js";
import { numberText, timeText } from "./format.js";
import { locale, t } from "./i18n.js";

const SCRIPT = new URL("../vendor/uPlot.iife.min.js", import.meta.url).href;
const STYLE = new URL("../vendor/uPlot.min.css", import.meta.url).href;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * `times`: seconds since 1970, rising. `series`: `[{label, values, tone}]`, as many values as times, null for none; tone
 * is a number from 1 to 6 or ok, warn, danger. `format(value)` writes a value; `bars` draws columns, `steps` is what
 * marks of the scale may lie apart: WHOLE numbers, BYTES in powers of two. `aside` stands beside the title.
 */
export function Chart({ title, times, series, format = numberText, bars = false, steps, height = 180, aside = null }) {
  const holder = useRef(null);
  const [isReady, setReady] = useState(Boolean(window.uPlot));
  useEffect(() => {
    loadStyle(STYLE);
    loadScript(SCRIPT).then(() => setReady(true), () => {});
  }, []);
  useEffect(() => {
    if (!isReady || !holder.current) return undefined;
    return draw(holder.current, { times, series, format, bars, steps, height });
  }, [isReady, times, series, bars, height, locale.get()]);
  return html`<figure class="chart">
    <figcaption>
      <span>${title}</span>
      <${Legend} series=${series} />${aside}
    </figcaption>
    <div ref=${holder} class="plot" style=${{ height: `${height}px` }} role="img" aria-label=${title}></div>
    <details>
      <summary>${t("common.as_table")}</summary>
      <${Numbers} ...${{ title, times, series, format }} />
    </details>
  </figure>`;
}

const toneOf = (each, place) => `--series-${each.tone ?? (place % 6) + 1}`;

const Legend = ({ series }) =>
  series.length < 2
    ? null
    : html`<ul class="legend">
        ${series.map(
          (each, place) =>
            html`<li key=${each.label}><i style=${{ background: `var(${toneOf(each, place)})` }}></i>${each.label}</li>`,
        )}
      </ul>`;

const Numbers = ({ title, times, series, format }) =>
  html`<div class="table" tabindex="0" role="region" aria-label=${title}>
    <table>
      <caption class="unseen">${title}</caption>
      <thead>
        <tr>
          <th scope="col">${t("common.time")}</th>
          ${series.map((each) => html`<th scope="col" data-align="end" key=${each.label}>${each.label}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${times.map(
          (time, row) =>
            html`<tr key=${time}>
              <td>${timeText(time * 1000)}</td>
              ${series.map((each) => {
                const value = each.values[row];
                return html`<td data-align="end" data-label=${each.label}>${value === null ? "–" : format(value)}</td>`;
              })}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

export const WHOLE = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
export const BYTES = Array.from({ length: 60 }, (_, power) => 2 ** power);

function draw(holder, { times, series, format, bars, steps, height }) {
  const line = colour("--line");
  const axis = { stroke: colour("--ink-quiet"), grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } };
  const font = `12px ${colour("--font")}`;
  const plot = new window.uPlot(
    {
      width: Math.max(holder.clientWidth, 120),
      height,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: { ...(bars && { x: { range: (_, low, high) => padded(times, low, high) } }), y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : 1] } },
      axes: [
        { ...axis, font, size: 32, grid: { show: false }, space: 70, values: (_, marks) => marks.map((mark) => timeLabel(mark, marks)) },
        { ...axis, font, size: 64, ...(steps && { incrs: steps }), values: (_, marks) => marks.map((mark) => format(mark)) },
      ],
      series: [
        {},
        ...series.map((each, place) => {
          const own = colour(toneOf(each, place));
          const paths = bars ? window.uPlot.paths.bars({ size: [0.7, 40], radius: 0.15 }) : undefined;
          return { label: each.label, stroke: own, width: bars ? 0 : 1.75, fill: bars ? own : `${own}1f`, paths, points: { show: !bars && isSparse(each.values), size: 5, fill: own } };
        }),
      ],
    },
    [times, ...series.map((each) => each.values)],
    holder,
  );
  const observer = new ResizeObserver(() => plot.setSize({ width: Math.max(holder.clientWidth, 120), height }));
  observer.observe(holder);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
}

/** Room for half a column at both ends. */
function padded(times, low, high) {
  const half = times.length > 1 ? (times[1] - times[0]) / 2 : 1800;
  return [low - half, high + half];
}

/** True if some values may have no neighbour to draw a line to. */
const isSparse = (values) => values.includes(null) && values.filter((value) => value !== null).length < 50;

function timeLabel(mark, marks) {
  const isDays = marks.length > 1 && marks[1] - marks[0] >= 86400;
  const options = isDays ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(locale.get(), options).format(new Date(mark * 1000));
}

// A chart of series over time, drawn by uPlot once it is needed, with its numbers as a table behind it.
import { html, loadScript, loadStyle, useEffect, useRef, useState } from "./dom.js";
import { numberText, timeText } from "./format.js";
import { locale, t } from "./i18n.js";

const SCRIPT = new URL("../vendor/uPlot.iife.min.js", import.meta.url).href;
const STYLE = new URL("../vendor/uPlot.min.css", import.meta.url).href;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour as it is in the theme in force: a canvas cannot choose between those of a token. */
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** `rgb(…)` with an eighth of its strength. */
const faint = (rgb) => rgb.replace("rgb(", "rgba(").replace(")", ", 0.12)");

/**
 * `times`: seconds since 1970, rising. `series`: `[{label, values, tone}]`, as many values as times, null for none; tone
 * is a number from 1 to 6 or ok, warn, danger. `format(value)` writes a value; `bars` draws columns, `steps` is what
 * marks of the scale may lie apart: WHOLE numbers, BYTES in powers of two. `aside` stands beside the title.
 */
export function Chart({ title, times, series, format = numberText, bars = false, steps, height = 180, aside = null }) {
  const holder = useRef(null);
  const theme = useTheme();
  const [isReady, setReady] = useState(Boolean(window.uPlot));
  useEffect(() => {
    loadStyle(STYLE);
    loadScript(SCRIPT).then(() => setReady(true), () => {});
  }, []);
  useEffect(() => {
    if (!isReady || !holder.current) return undefined;
    return draw(holder.current, { times, series, format, bars, steps, height });
  }, [isReady, times, series, bars, height, locale.get(), theme]);
  return html`<figure class="chart">
    <figcaption>
      <span>${title}</span>
      <${Legend} series=${series} />${aside}
    </figcaption>
    <div ref=${holder} class="plot" style=${{ height: `${height / 16}rem` }} role="img" aria-label=${title}></div>
    <details>
      <summary>${t("common.as_table")}</summary>
      <${Numbers} ...${{ title, times, series, format }} />
    </details>
  </figure>`;
}

/** The theme in force: a picture keeps the colours that it was drawn in. */
function useTheme() {
  const read = () => colour("--paper");
  const [theme, setTheme] = useState(read);
  useEffect(() => {
    const tell = () => setTheme(read());
    const observer = new MutationObserver(tell);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", tell);
    return () => {
      observer.disconnect();
      system.removeEventListener("change", tell);
    };
  }, []);
  return theme;
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

/** Pixels for so many at a root of 16 px: windows of 4K have larger roots. */
const scaled = (pixels) => (pixels / 16) * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

function draw(holder, { times, series, format, bars, steps, height }) {
  const size = () => ({ width: Math.max(holder.clientWidth, 120), height: scaled(height) });
  const range = (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : 1];
  const plot = new window.uPlot(
    {
      ...size(),
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: { ...(bars && { x: { range: (_, low, high) => padded(times, low, high) } }), y: { range } },
      axes: axesOf(format, steps),
      series: [{}, ...series.map((each, place) => (bars ? columnOf(each, place, series.length) : lineOf(each, place)))],
    },
    [times, ...series.map((each) => each.values)],
    holder,
  );
  const observer = new ResizeObserver(() => plot.setSize(size()));
  observer.observe(holder);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
}

function axesOf(format, steps) {
  const line = colour("--line");
  const grid = { stroke: line, width: 1 };
  const axis = { stroke: colour("--ink-quiet"), font: `${scaled(12)}px ${token("--font")}`, ticks: { ...grid, size: 4 } };
  const times = (_, marks) => marks.map((mark) => timeLabel(mark, marks));
  return [
    { ...axis, size: scaled(32), grid: { show: false }, space: scaled(70), values: times },
    { ...axis, size: scaled(64), grid, ...(steps && { incrs: steps }), values: (_, marks) => marks.map((mark) => format(mark)) },
  ];
}

function lineOf({ label, values, ...each }, place) {
  const own = colour(toneOf(each, place));
  const points = { show: isSparse(values), size: 5, fill: own };
  return { label, stroke: own, width: 1.75, fill: faint(own), points };
}

/** Of two series, the columns stand side by side: the taller one would hide the other. */
function columnOf({ label, ...each }, place, count) {
  const own = colour(toneOf(each, place));
  const beside = count === 2 && { size: [0.35, 20], align: place === 0 ? -1 : 1 };
  const paths = window.uPlot.paths.bars({ size: [0.7, 40], radius: 0.15, ...beside });
  return { label, stroke: own, width: 0, fill: own, paths, points: { show: false } };
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

// The building blocks of pages that operators read: panels, figures, states, choices.
import { html } from "./dom.js";

const LONGEST_LINE = 40;

/** A part of a page with a heading of its own. */
export const Panel = ({ title, note, actions, children }) =>
  html`<section class="panel">
    <header class="panel-head">
      <h2>${title}</h2>
      ${actions && html`<div class="panel-actions">${actions}</div>`}
    </header>
    ${note && html`<p class="panel-note">${note}</p>`} ${children}
  </section>`;

/** Figures side by side. */
export const Figures = ({ children }) => html`<dl class="figures">${children}</dl>`;

/** One figure: what it is, the value large, a note below it; `share` (0 to 1) fills a bar. */
export const Figure = ({ label, value, note, tone, share }) =>
  html`<div class="figure" data-tone=${tone}>
    <dt>${label}</dt>
    <dd class="figure-value number">${value}</dd>
    ${share !== undefined && html`<dd class="figure-meter"><${Meter} share=${share} tone=${tone} /></dd>`}
    <dd class="figure-note">${note || "\u00a0"}</dd>
  </div>`;

/** A bar that fills with a share between 0 and 1; it stands beside a number that says the same. */
export const Meter = ({ share, tone }) =>
  html`<span class="meter" data-tone=${tone} aria-hidden="true">
    <span style=${{ width: `${Math.min(100, Math.max(0, share * 100))}%` }}></span>
  </span>`;

/** A state in a word, with a mark before it; `tone` is plain, ok, warn or danger. */
export const State = ({ tone = "plain", children }) => html`<span class="mark-state" data-tone=${tone}>${children}</span>`;

/** A few values of which one is chosen: `values` is a list of `[value, text]`, `address(value)` leads there. */
export const Choice = ({ label, values, current, address }) =>
  html`<nav class="choice" aria-label=${label}>
    ${values.map(
      ([value, text]) =>
        html`<a key=${value} href=${address(value)} aria-current=${value === current ? "true" : undefined}>${text}</a>`,
    )}
  </nav>`;

/** Text that a person or a program sent: names, reasons, user agents. It breaks anywhere rather than widen the page. */
export const Sent = ({ text }) => html`<bdi class="sent">${text}</bdi>`;

/** Codes, addresses, types: in the writing of machines. */
export const Code = ({ text }) =>
  text
    ? html`<bdi class="code" data-short=${text.length <= LONGEST_LINE}>${text}</bdi>`
    : null;

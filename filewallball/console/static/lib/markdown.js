// The little Markdown of the runbook as components: paragraphs, lists, blocks of code, bold and code within them.
import { html } from "./dom.js";

const INLINE = /(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]*\))/;
const ITEM = /^(?:[-*]|\d+\.)\s+/;

/** Text is only ever text here: nothing in it becomes markup of the page. */
export const Markdown = ({ text }) => blocksOf(text).map((block, place) => html`<${Block} key=${place} ...${block} />`);

function Block({ kind, lines }) {
  if (kind === "code") return html`<pre tabindex="0"><code>${lines.join("\n")}</code></pre>`;
  if (kind === "list") return html`<ul>${lines.map((line, place) => html`<li key=${place}>${inline(line)}</li>`)}</ul>`;
  return html`<p>${inline(lines.join(" "))}</p>`;
}

/** `{kind, lines}` for each block: code between fences, items of a list, or the lines of a paragraph. */
function blocksOf(text) {
  const blocks = [];
  let open = null;
  for (const line of text.split("\n")) {
    if (open?.kind === "code") {
      if (line.startsWith("```")) open = null;
      else open.lines.push(line);
    } else if (line.startsWith("```")) {
      blocks.push((open = { kind: "code", lines: [] }));
    } else if (!line.trim()) {
      open = null;
    } else if (ITEM.test(line)) {
      if (open?.kind !== "list") blocks.push((open = { kind: "list", lines: [] }));
      open.lines.push(line.replace(ITEM, ""));
    } else if (open?.kind === "list") {
      open.lines[open.lines.length - 1] += ` ${line.trim()}`;
    } else if (/^\*\*[^*]+:\*\*/.test(line) || !open) {
      blocks.push((open = { kind: "text", lines: [line] }));
    } else {
      open.lines.push(line);
    }
  }
  return blocks;
}

const inline = (text) =>
  text.split(INLINE).map((part) => {
    if (part.startsWith("`") && part.length > 1) return html`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith("**")) return html`<strong>${part.slice(2, -2)}</strong>`;
    return part.startsWith("[") ? part.slice(1, part.indexOf("]")) : part;
  });

// Exporting all rows that match what is shown, as a file.
import { send } from "../api.js";
import { html, useState } from "../dom.js";
import { sizeText } from "../format.js";
import { t } from "../i18n.js";
import { toast } from "../overlays.js";
import { problemText } from "../states.js";

const FORMATS = ["csv", "csv-excel", "ndjson"];
const PIECE_BYTES = 16 * 1024 ** 2;

/** A choice of format and the button that fetches the file; while it comes, the bytes so far and a way to stop. */
export function Export({ filters }) {
  const [format, setFormat] = useState(FORMATS[0]);
  const [running, setRunning] = useState(null);
  const begin = async () => {
    const abort = new AbortController();
    setRunning({ abort, received: 0 });
    try {
      await save(filters, format, abort.signal, (received) => setRunning({ abort, received }));
    } catch (error) {
      if (error.name !== "AbortError") toast(problemText(error), { tone: "danger" });
    }
    setRunning(null);
  };
  if (running) {
    return html`
      <span role="status">${t("audit.exporting", { size: sizeText(running.received) })}</span>
      <button type="button" data-kind="plain" onClick=${() => running.abort.abort()}>${t("audit.stop")}</button>
    `;
  }
  return html`
    <label class="inline">
      <span class="unseen">${t("audit.export_format")}</span>
      <select value=${format} onChange=${(event) => setFormat(event.target.value)}>
        ${FORMATS.map((each) => html`<option key=${each} value=${each}>${t(`audit.format_${each}`)}</option>`)}
      </select>
    </label>
    <button type="button" data-kind="plain" onClick=${begin}>${t("audit.export")}</button>
  `;
}

async function save(filters, format, signal, onBytes) {
  const response = await send("GET", "/api/v1/audit/export", { query: { ...filters, format }, signal });
  const told = response.headers.get("Content-Disposition") ?? "";
  download(await collect(response.body.getReader(), onBytes), /filename="([^"]+)"/.exec(told)?.[1] ?? "audit");
}

/** All bytes as a Blob, of which the browser keeps what is large on disk. */
async function collect(reader, onBytes) {
  let [whole, parts, waiting, received] = [new Blob(), [], 0, 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob([whole, ...parts]);
    parts.push(value);
    onBytes((received += value.length));
    if ((waiting += value.length) > PIECE_BYTES) [whole, parts, waiting] = [new Blob([whole, ...parts]), [], 0];
  }
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

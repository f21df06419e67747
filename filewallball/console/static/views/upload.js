// Upload: drop files and folders, watch them go, copy the links.
import { html, useEffect, useRef, useState, useStore } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { Badge, CopyButton, Field, Icon, PageHead, problemText, useLoad } from "../lib/components.js";
import { durationText, sizeText } from "../lib/format.js";
import { href } from "../lib/router.js";
import { isNobody, may } from "../lib/session.js";
import { settings } from "../lib/settings.js";
import { forThisWindow } from "../lib/storage.js";
import { filesOf, picked } from "../lib/uploads/drop.js";
import { add, clearDone, isHeld, pause, remove, resume, uploads } from "../lib/uploads/queue.js";
import { forget, unfinished } from "../lib/uploads/resumable.js";
import { MakeLink, mayMakeLinks, ShareDialog } from "../lib/share.js";

const OPTIONS = "fwb.upload-options";
const LIFETIMES = ["", "1h", "1d", "7d", "30d", "365d"];
const STILL = { waiting: true, sending: true, retrying: true };

export default function Upload() {
  const { items, summary } = useStore(uploads);
  const [options, setOptions] = useState(forThisWindow.read(OPTIONS, { visibility: "unlisted", expires_in: "", description: "" }));
  const change = (name, value) => {
    const next = { ...options, [name]: value };
    setOptions(next);
    forThisWindow.write(OPTIONS, next);
  };
  const limits = useLoad(settings).value;
  const send = (files) => files.length && add(files, options, limits?.max_upload_size);
  return html`<div class="upload">
    <${PageHead} title=${t("upload.title")} text=${limits ? t("upload.text", { size: sizeText(limits.max_upload_size) }) : " "} />
    <${DropZone} onFiles=${send} isSmall=${items.length > 0} />
    <${Options} options=${options} onChange=${change} />
    <${Unfinished} items=${items} />
    ${summary && html`<${Summary} summary=${summary} items=${items} />`}
    ${items.length > 0 &&
    html`<ol class="transfers" aria-label=${t("upload.list")}>
      ${items.map((item) => html`<${Transfer} key=${item.id} item=${item} state=${item.state} sent=${item.sent} />`)}
    </ol>`}
  </div>`;
}

function DropZone({ onFiles, isSmall }) {
  const [isOver, setOver] = useState(false);
  const files = useRef(null);
  const folder = useRef(null);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const over = (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event) => event.relatedTarget === null && setOver(false);
    const drop = async (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      latest.current(await filesOf(event.dataTransfer));
    };
    const paste = (event) => event.clipboardData?.files.length && latest.current(picked(event.clipboardData.files));
    const all = { dragenter: over, dragover: over, dragleave: leave, drop, paste };
    for (const [name, run] of Object.entries(all)) window.addEventListener(name, run);
    return () => {
      for (const [name, run] of Object.entries(all)) window.removeEventListener(name, run);
    };
  }, []);
  const chosen = (event) => {
    onFiles(picked(event.target.files));
    event.target.value = "";
  };
  return html`<div class="drop" data-over=${isOver} data-small=${isSmall}>
    <span class="drop-icon"><${Icon} name="upload" size="26" /></span>
    <p class="drop-title">${t("upload.drop")}</p>
    <p class="quiet">${t("upload.drop_text")}</p>
    <div class="row">
      <button type="button" onClick=${() => files.current.click()}>${t("upload.pick_files")}</button>
      <button type="button" data-kind="plain" onClick=${() => folder.current.click()}>${t("upload.pick_folder")}</button>
    </div>
    <input ref=${files} type="file" multiple hidden name="files" aria-label=${t("upload.pick_files")} onChange=${chosen} />
    <input ref=${folder} type="file" webkitdirectory hidden name="folder" aria-label=${t("upload.pick_folder")} onChange=${chosen} />
  </div>`;
}

function Options({ options, onChange }) {
  const kinds = ["unlisted", "public", ...(isNobody() ? [] : ["private"])];
  const visibility = kinds.includes(options.visibility) ? options.visibility : "unlisted";
  const changed = (name) => (event) => onChange(name, event.target.value);
  return html`<section class="fields options" aria-label=${t("upload.options")}>
    <${Field} label=${t("upload.visibility")} hint=${t(`upload.about_${visibility}`)}>
      ${(attributes) =>
        html`<select ...${attributes} name="visibility" value=${visibility} onChange=${changed("visibility")}>
          ${kinds.map((kind) => html`<option key=${kind} value=${kind}>${t(`upload.${kind}`)}</option>`)}
        </select>`}
    <//>
    <${Field} label=${t("upload.expires")} hint=${options.expires_in ? t("upload.expires_hint") : " "}>
      ${(attributes) =>
        html`<select ...${attributes} name="expires_in" value=${options.expires_in} onChange=${changed("expires_in")}>
          ${LIFETIMES.map((time) => html`<option key=${time} value=${time}>${t(`upload.life_${time || "ever"}`)}</option>`)}
        </select>`}
    <//>
    <${Field} label=${t("upload.description")} hint=${t("upload.description_hint")}>
      ${(attributes) =>
        html`<input ...${attributes} name="description" maxlength="1000" value=${options.description} onInput=${changed("description")} />`}
    <//>
  </section>`;
}

/** What this browser began before the page was loaded anew. */
function Unfinished({ items }) {
  const [, redraw] = useState(0);
  const names = new Set(items.map((item) => `${item.file.name}/${item.size}`));
  const left = unfinished().filter(({ name, size }) => !names.has(`${name}/${size}`));
  if (!left.length) return null;
  const drop = (key) => {
    forget(key);
    redraw((count) => count + 1);
  };
  return html`<div class="note" data-tone="info">
    <${Icon} name="clock" />
    <div>
      <p><strong>${t("upload.unfinished", { count: left.length })}</strong> ${t("upload.unfinished_text")}</p>
      <ul class="plain-list">
        ${left.map(
          ({ key, name, size }) =>
            html`<li key=${key} class="row">
              <span class="break">${name}</span><span class="number">${sizeText(size)}</span>
              <button type="button" class="link" onClick=${() => drop(key)}>${t("upload.forget")}</button>
            </li>`,
        )}
      </ul>
    </div>
  </div>`;
}

function Summary({ summary, items }) {
  const { total, sent, rate, left, ahead, isHalted, done, refused, all } = summary;
  const links = items.filter(({ result }) => result && result.visibility !== "private").map((item) => item.result.url);
  const text = isHalted
    ? [t("upload.progress", { done, all }), t("upload.state_held")]
    : ahead
    ? [t("upload.progress", { done, all }), `${sizeText(rate)}/s`, left !== null && t("upload.left", { time: durationText(Math.max(1, left)) })]
    : [t("upload.finished", { count: done }), refused && t("upload.refused_count", { count: refused })];
  return html`<div class="summary">
    <div class="spread">
      <p class="number" role="status" aria-live=${ahead ? "off" : "polite"}>${text.filter(Boolean).join(" · ")}</p>
      <div class="row">
        ${links.length > 1 && html`<${CopyButton} text=${links.join("\n")} label=${t("upload.copy_all")} />`}
        ${!ahead && done > 0 && html`<button type="button" data-kind="plain" onClick=${clearDone}>${t("upload.clear")}</button>`}
      </div>
    </div>
    <progress max=${total || 1} value=${ahead ? sent : total || 1} aria-label=${t("upload.all_progress")}></progress>
  </div>`;
}

function Transfer({ item, state }) {
  const [isShown, show] = useState(false);
  const share = item.size ? item.sent / item.size : 0;
  return html`<li class="transfer" data-state=${state}>
    <${Icon} name=${{ done: "check", refused: "alert", paused: "pause" }[state] ?? "file"} />
    <div class="transfer-text">
      <span class="transfer-name break">${item.path}</span>
      <span class="quiet small number">${stateText(item, share)}</span>
      ${(state === "refused" || state === "retrying") &&
      html`<span class="small" data-tone=${state === "refused" ? "danger" : "warn"} role=${state === "refused" ? "alert" : undefined}>
        ${problemText(item.problem)}
      </span>`}
      ${item.result?.is_quarantined && html`<${Badge} tone="warn">${t("upload.quarantined")}<//>`}
      ${STILL[state] && html`<progress max="1" value=${share} aria-label=${t("upload.progress_of", { name: item.path })}></progress>`}
    </div>
    <div class="row transfer-actions">
      ${state === "done" && html`<${DoneActions} file=${item.result} onShare=${() => show(true)} />`}
      ${state === "sending" && html`<${Act} icon="pause" label=${t("upload.pause")} item=${item} run=${pause} />`}
      ${(state === "paused" || state === "refused") && html`<${Act} icon="play" label=${t("upload.go_on")} item=${item} run=${resume} />`}
      ${state !== "done" && html`<${Act} icon="close" label=${t("upload.give_up")} item=${item} run=${remove} />`}
    </div>
    ${isShown && html`<${ShareDialog} file=${item.result} onClose=${() => show(false)} />`}
  </li>`;
}

const Act = ({ icon, label, item, run }) =>
  html`<button type="button" class="icon-button" aria-label=${`${label}: ${item.path}`} title=${label} onClick=${() => run(item)}>
    <${Icon} name=${icon} />
  </button>`;

function stateText(item, share) {
  const size = sizeText(item.size);
  if (item.state === "sending" && item.size) {
    const percent = Math.floor(share * 100);
    return share >= 1 ? `${size} · ${t("upload.checking")}` : `${sizeText(item.sent)} / ${size} · ${percent} %${item.isResumed ? ` · ${t("upload.resumed")}` : ""}`;
  }
  if (item.state === "done") return [size, t(`upload.${item.result.visibility}`), item.result.is_duplicate && t("upload.duplicate")].filter(Boolean).join(" · ");
  return `${size} · ${t(`upload.state_${isHeld(item) ? "held" : item.state}`)}`;
}

const DoneActions = ({ file, onShare }) =>
  html`${may("file:list") && file.file_id && html`<a class="icon-button" href=${href(`files/${file.file_id}`)} aria-label=${`${t("upload.details")}: ${file.filename}`} title=${t("upload.details")}><${Icon} name="eye" /></a>`}
    ${file.visibility === "private" ? mayMakeLinks() && html`<${MakeLink} id=${file.file_id} />` : html`<${Sharing} file=${file} onShare=${onShare} />`}`;

const Sharing = ({ file, onShare }) =>
  html`<button type="button" class="icon-button" aria-label=${`${t("upload.qr")}: ${file.filename}`} title=${t("upload.qr")} onClick=${onShare}>
      <${Icon} name="qr" />
    </button>
    <${CopyButton} text=${file.url} label=${t("upload.copy_link")} />`;

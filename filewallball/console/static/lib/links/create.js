// Making a link: for whom, until when, how often, with which password. Its address is shown once.
import { absolute, api } from "../api.js";
import { html, useEffect, useRef, useState } from "../dom.js";
import { t } from "../i18n.js";
import { Field, Secret } from "../controls.js";
import { Dialog } from "../overlays.js";
import { Loaded, ProblemNote, useLoad } from "../states.js";
import { QrCode } from "../qr.js";
import { sizeText } from "../format.js";
import { may } from "../session.js";

const LIFETIMES = ["1h", "1d", "7d", "30d", ""];

export function NewLink({ fileId, onClose, onMade }) {
  const [link, setLink] = useState(null);
  const [chosen, setChosen] = useState(fileId ?? "");
  const made = (answer) => {
    setLink(answer);
    onMade();
  };
  return html`<${Dialog} title=${t(link ? "links.made" : "links.new")} onClose=${onClose} wide>
    ${link
      ? html`<${Made} link=${link} onClose=${onClose} />`
      : chosen
        ? html`<${WithFile} id=${chosen} onMade=${made} onClose=${onClose} />`
        : html`<${FileChoice} onChoose=${setChosen} />`}
  <//>`;
}

/** Which file: the newest ones, or those with a name. */
function FileChoice({ onChoose }) {
  const [name, setName] = useState("");
  const state = useLoad((signal) => api.get("files", { name, size: 8 }, { signal }), [name]);
  return html`<div class="stack">
    <${Field} label=${t("links.which_file")}>
      ${(attributes) => html`<input ...${attributes} type="search" name="file" maxlength="255" value=${name} onInput=${(event) => setName(event.target.value)} />`}
    <//>
    <${Loaded} state=${state} rows="4" isEmpty=${(page) => !page.files.length} empty=${html`<p class="quiet">${t("links.no_file")}</p>`}>
      ${(page) =>
        html`<ul class="choices">
          ${page.files.map(
            (file) =>
              html`<li key=${file.file_id}>
                <button type="button" data-kind="plain" onClick=${() => onChoose(file.file_id)}>
                  <span class="break">${file.filename}</span><span class="quiet number">${sizeText(file.file_size)}</span>
                </button>
              </li>`,
          )}
        </ul>`}
    <//>
  </div>`;
}

function WithFile({ id, onMade, onClose }) {
  const state = useLoad(() => api.get(`files/${encodeURIComponent(id)}`), [id]);
  return html`<${Loaded} state=${state} rows="4">${(file) => html`<${Form} file=${file} onMade=${onMade} onClose=${onClose} onChanged=${state.reload} />`}<//>`;
}

function Form({ file, onMade, onClose, onChanged }) {
  const [values, setValues] = useState({ name: "", expires_in: "7d", limit: "none", max_downloads: "5", password: "" });
  const [state, setState] = useState({ problem: null, isBusy: false });
  const isPrivate = file.visibility === "private";
  const first = useRef(null);
  useEffect(() => first.current.focus(), []);
  const change = (name) => (event) => setValues((now) => ({ ...now, [name]: event.target.value }));
  const errorOf = (name) => [].concat(state.problem?.errors?.[name] ?? []).join(" ");
  const submit = async (event) => {
    event.preventDefault();
    setState({ problem: null, isBusy: true });
    try {
      onMade(await api.post("/api/v1/links", bodyOf(file, values, isPrivate)));
    } catch (problem) {
      setState({ problem, isBusy: false });
    }
  };
  const makePrivate = () => api.patch(`files/${file.file_id}`, { visibility: "private" }).then(onChanged, (problem) => setState({ problem, isBusy: false }));
  return html`<form class="stack" onSubmit=${submit}>
    <${ProblemNote} problem=${state.problem} />
    <p class="break"><strong>${file.filename}</strong> <span class="quiet">${sizeText(file.file_size)}</span></p>
    <${Field} label=${t("links.name")} hint=${t("links.name_hint")} error=${errorOf("name")}>
      ${(attributes) => html`<input ...${attributes} ref=${first} name="name" maxlength="255" autocomplete="off" value=${values.name} onInput=${change("name")} />`}
    <//>
    ${!isPrivate &&
    html`<div class="note">
      <div><p>${t("links.only_private")}</p></div>
      ${may("file:update") && file.owner && html`<button type="button" data-kind="plain" onClick=${makePrivate}>${t("links.make_private")}</button>`}
    </div>`}
    <div class="fields">
      <${Field} label=${t("links.expires")} error=${errorOf("expires_in")}>
        ${(attributes) =>
          html`<select ...${attributes} name="expires_in" value=${values.expires_in} onChange=${change("expires_in")}>
            ${LIFETIMES.map((time) => html`<option key=${time} value=${time}>${t(`links.life_${time || "ever"}`)}</option>`)}
          </select>`}
      <//>
      <${Field} label=${t("links.limit")} hint=${isPrivate && values.limit !== "none" && t("links.limit_hint")} error=${errorOf("max_downloads") || errorOf("one_time")}>
        ${(attributes) =>
          html`<select ...${attributes} name="limit" value=${isPrivate ? values.limit : "none"} disabled=${!isPrivate} onChange=${change("limit")}>
            ${["none", "once", "some"].map((kind) => html`<option key=${kind} value=${kind}>${t(`links.limit_${kind}`)}</option>`)}
          </select>`}
      <//>
      ${isPrivate &&
      values.limit === "some" &&
      html`<${Field} label=${t("links.max_downloads")} error=${errorOf("max_downloads")}>
        ${(attributes) => html`<input ...${attributes} type="number" name="max_downloads" min="1" max="1000000000" required value=${values.max_downloads} onInput=${change("max_downloads")} />`}
      <//>`}
    </div>
    <${Field} label=${t("links.password")} hint=${t("links.password_hint")} error=${errorOf("password")}>
      ${(attributes) => html`<input ...${attributes} type="text" name="password" autocomplete="off" spellcheck="false" minlength="4" maxlength="256" disabled=${!isPrivate} value=${values.password} onInput=${change("password")} />`}
    <//>
    <div class="actions">
      <button type="button" data-kind="plain" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" aria-busy=${state.isBusy} disabled=${state.isBusy}>${t("links.make")}</button>
    </div>
  </form>`;
}

function bodyOf(file, values, isPrivate) {
  const body = { file_id: file.file_id };
  if (values.name) body.name = values.name;
  if (values.expires_in) body.expires_in = values.expires_in;
  if (!isPrivate) return body;
  if (values.limit === "once") body.one_time = true;
  if (values.limit === "some") body.max_downloads = Number(values.max_downloads);
  if (values.password) body.password = values.password;
  return body;
}

function Made({ link, onClose }) {
  const url = absolute(link.url);
  return html`<div class="stack">
    <p>${t("links.shown_once")}</p>
    <${Secret} text=${url} label=${t("links.address")} />
    <${QrCode} text=${url} />
    ${link.has_password && html`<p class="quiet">${t("links.send_password")}</p>`}
    <div class="actions"><button type="button" onClick=${onClose}>${t("links.done")}</button></div>
  </div>`;
}


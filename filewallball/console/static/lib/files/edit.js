// A form for what can be changed of a file; only what was changed is sent.
import { api } from "../api.js";
import { html, useState } from "../dom.js";
import { t } from "../i18n.js";
import { Field } from "../controls.js";
import { toast } from "../overlays.js";
import { ProblemNote } from "../states.js";
import { timeText } from "../format.js";

const LIFETIMES = ["1h", "1d", "7d", "30d", "365d"];
const KINDS = ["unlisted", "public", "private"];

export function EditForm({ file, onDone, onClose }) {
  const [values, setValues] = useState({ file_name: file.filename, description: file.description ?? "", visibility: file.visibility, expires_in: "keep" });
  const [state, setState] = useState({ problem: null, isBusy: false });
  const change = (name) => (event) => setValues((now) => ({ ...now, [name]: event.target.value }));
  const submit = async (event) => {
    event.preventDefault();
    setState({ problem: null, isBusy: true });
    try {
      onDone(await api.patch(`files/${file.file_id}`, changes(file, values)));
      toast(t("files.saved"), { tone: "ok" });
    } catch (problem) {
      setState({ problem, isBusy: false });
    }
  };
  const errorOf = (name) => [].concat(state.problem?.errors?.[name] ?? []).join(" ");
  return html`<form class="stack" onSubmit=${submit}>
    <${ProblemNote} problem=${state.problem} />
    <${Field} label=${t("files.name")} error=${errorOf("file_name")}>
      ${(attributes) => html`<input ...${attributes} name="file_name" required maxlength="255" value=${values.file_name} onInput=${change("file_name")} />`}
    <//>
    <${Field} label=${t("files.description")} error=${errorOf("description")}>
      ${(attributes) => html`<textarea ...${attributes} name="description" rows="3" maxlength="1000" value=${values.description} onInput=${change("description")}></textarea>`}
    <//>
    <div class="fields">
      <${Field} label=${t("files.visibility")} error=${errorOf("visibility")}>
        ${(attributes) =>
          html`<select ...${attributes} name="visibility" value=${values.visibility} onChange=${change("visibility")}>
            ${KINDS.map((kind) => html`<option key=${kind} value=${kind}>${t(`files.${kind}`)}</option>`)}
          </select>`}
      <//>
      <${Field} label=${t("files.expires")} error=${errorOf("expires_in") || errorOf("expires_at")}>
        ${(attributes) =>
          html`<select ...${attributes} name="expires_in" value=${values.expires_in} onChange=${change("expires_in")}>
            <option value="keep">${file.expires_at ? timeText(file.expires_at) : t("common.never")}</option>
            ${LIFETIMES.map((time) => html`<option key=${time} value=${time}>${t(`files.life_${time}`)}</option>`)}
            ${file.expires_at && html`<option value="never">${t("common.never")}</option>`}
          </select>`}
      <//>
    </div>
    <div class="actions">
      <button type="button" data-kind="plain" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="submit" aria-busy=${state.isBusy} disabled=${state.isBusy}>${t("common.save")}</button>
    </div>
  </form>`;
}

function changes(file, values) {
  const changed = {};
  if (values.file_name !== file.filename) changed.file_name = values.file_name;
  if (values.description !== (file.description ?? "")) changed.description = values.description;
  if (values.visibility !== file.visibility) changed.visibility = values.visibility;
  if (values.expires_in !== "keep") changed.expires_in = values.expires_in === "never" ? null : values.expires_in;
  return changed;
}

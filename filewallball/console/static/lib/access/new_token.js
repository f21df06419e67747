// The dialogs that give a user a token, or a new one in its place, and show its text once.
import { ActionDialog, faultOf, useValues } from "../actions.js";
import { api } from "../api.js";
import { Field, Secret } from "../controls.js";
import { html, useState } from "../dom.js";
import { t } from "../i18n.js";
import { Dialog } from "../overlays.js";

const LIVES = ["1d", "7d", "30d", "365d", ""];
const GRACES = ["", "1h", "1d", "7d"];

/** A token for a user; `onDone` is called once its text was shown. */
export function NewTokenDialog({ user, onDone, onClose }) {
  const [values, set] = useValues({ name: "", expires_in: "30d" });
  const [issued, setIssued] = useState(null);
  const body = { user_id: user.id, name: values.name.trim(), ...(values.expires_in && { expires_in: values.expires_in }) };
  if (issued) return html`<${Shown} issued=${issued} onClose=${onDone} />`;
  return html`<${ActionDialog} title=${t("access.token_title", { name: user.username })} action=${t("access.create")}
    run=${() => api.post("/api/v1/access/tokens", body)} onDone=${setIssued} onClose=${onClose}>
    ${(problem) =>
      html`<${Field} label=${t("access.token_name")} hint=${t("access.token_name_hint")} error=${faultOf(problem, "name")}>
          ${(attributes) =>
            html`<input ...${attributes} name="name" maxlength="128" autocomplete="off" value=${values.name} onInput=${set("name")} />`}
        <//>
        <${Period} name="expires_in" label=${t("access.token_life")} periods=${LIVES} none="access.period_ever" value=${values.expires_in}
          onChange=${set("expires_in")} error=${faultOf(problem, "expires_in")} />`}
  <//>`;
}

/** A new token in the place of another. */
export function RotateDialog({ token, onDone, onClose }) {
  const [values, set] = useValues({ grace: "" });
  const [issued, setIssued] = useState(null);
  if (issued) return html`<${Shown} issued=${issued} onClose=${onDone} />`;
  return html`<${ActionDialog} title=${t("access.rotate_title")} action=${t("access.rotate")}
    run=${() => api.post(`/api/v1/access/tokens/${token.id}/rotate`, values.grace ? { grace: values.grace } : {})}
    onDone=${setIssued} onClose=${onClose}>
    ${(problem) =>
      html`<p>${t("access.rotate_note")}</p>
        <${Period} name="grace" label=${t("access.grace")} periods=${GRACES} none="access.grace_none" value=${values.grace}
          onChange=${set("grace")} error=${faultOf(problem, "grace")} />`}
  <//>`;
}

const Period = ({ name, label, periods, none, value, onChange, error }) =>
  html`<${Field} label=${label} error=${error}>
    ${(attributes) =>
      html`<select ...${attributes} name=${name} value=${value} onChange=${onChange}>
        ${periods.map((each) => html`<option key=${each} value=${each}>${t(each ? `access.period_${each}` : none)}</option>`)}
      </select>`}
  <//>`;

const Shown = ({ issued, onClose }) =>
  html`<${Dialog} title=${t("access.token_shown")} onClose=${onClose}>
    <p>${t("access.token_shown_note")}</p>
    <${Secret} text=${issued.token} label=${t("common.token")} />
    <div class="actions"><button type="button" onClick=${onClose}>${t("access.token_kept")}</button></div>
  <//>`;

// The dialog that blocks a network, or renews its block.
import { ActionDialog, faultOf, useValues } from "../actions.js";
import { api } from "../api.js";
import { Field } from "../controls.js";
import { html } from "../dom.js";
import { t } from "../i18n.js";

const PERIODS = ["1h", "1d", "7d", "30d", ""];

export function BlockDialog({ block, onDone, onClose }) {
  const [values, set] = useValues({ network: block.network ?? "", reason: block.reason ?? "", period: "1d", force: false });
  return html`<${ActionDialog}
    title=${t("security.block_title")}
    action=${t("security.block")}
    run=${() => api.post("/api/v1/access/blocks", bodyOf(values))}
    said=${(row) => t("security.blocked", { network: row.network })}
    onDone=${onDone}
    onClose=${onClose}
  >
    ${(problem) =>
      html`<${Field} label=${t("security.network")} hint=${t("security.network_hint")} error=${faultOf(problem, "network")}>
          ${(attributes) =>
            html`<input ...${attributes} name="network" required minlength="2" maxlength="49" autocomplete="off"
              spellcheck="false" placeholder="203.0.113.0/24" value=${values.network} onInput=${set("network")} />`}
        <//>
        <${Field} label=${t("security.reason")} error=${faultOf(problem, "reason")}>
          ${(attributes) =>
            html`<input ...${attributes} name="reason" required maxlength="255" autocomplete="off"
              value=${values.reason} onInput=${set("reason")} />`}
        <//>
        <${Field} label=${t("security.period")} error=${faultOf(problem, "expires_in")}>
          ${(attributes) =>
            html`<select ...${attributes} name="period" value=${values.period} onChange=${set("period")}>
              ${PERIODS.map((each) => html`<option key=${each} value=${each}>${t(`security.period_${each || "ever"}`)}</option>`)}
            </select>`}
        <//>
        ${problem?.code === "conflict" &&
        html`<label class="choice">
          <input type="checkbox" name="force" checked=${values.force} onChange=${set("force")} />${t("security.force")}
        </label>`}`}
  <//>`;
}

const bodyOf = ({ network, reason, period, force }) => ({
  network: network.trim(),
  reason: reason.trim(),
  ...(period && { expires_in: period }),
  ...(force && { force }),
});

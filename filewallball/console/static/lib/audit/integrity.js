// The result of the last verification of the log, in one line.
import { useAnswer } from "../answers.js";
import { html } from "../dom.js";
import { Time } from "../format.js";
import { t } from "../i18n.js";
import { State } from "../panels.js";

const TONES = { intact: "ok", broken: "danger", unknown: "plain" };

export function Integrity() {
  const { value } = useAnswer("/api/v1/audit/verify");
  if (!value) return "\u00a0";
  return html`<${State} tone=${TONES[value.status]}>${t(`audit.verified_${value.status}`)}<//>
    ${value.verified_at &&
    html` <${Time} value=${value.verified_at} /> · ${t("audit.verified_to", { block: value.last_block })}`}
    ${value.findings.map(({ block, problem }) => html`<br />${t("audit.finding", { block, problem })}`)}`;
}

// How states of dependencies and severities of alerts are shown.
import { html } from "../dom.js";
import { has, t } from "../i18n.js";
import { Badge } from "../controls.js";
import { State } from "../panels.js";

const TONES = { healthy: "ok", degraded: "warn", unhealthy: "danger", disabled: "plain" };
const SEVERITIES = { critical: "danger", warning: "warn", info: "info" };

/** The state of a dependency in a word. */
export const HealthState = ({ status }) =>
  html`<${State} tone=${TONES[status] ?? "plain"}>${has(`health.${status}`) ? t(`health.${status}`) : status}<//>`;

/** The name of a check, in words where there are some. */
export const checkText = (name) => (has(`health.check_${name}`) ? t(`health.check_${name}`) : name);

/** The severity of an alert. */
export const Severity = ({ text }) =>
  text ? html`<${Badge} tone=${SEVERITIES[text] ?? "plain"}>${has(`health.severity_${text}`) ? t(`health.severity_${text}`) : text}<//>` : null;

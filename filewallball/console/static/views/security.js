// Security: failed authentications, violations, blocks and quarantine.
import { PageHead, Tabs } from "../lib/controls.js";
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { href } from "../lib/router.js";
import { may } from "../lib/session.js";
import { NotAllowed } from "../lib/states.js";
import { Blocks } from "../lib/security/blocks.js";
import { Quarantine } from "../lib/security/quarantine.js";
import { Failures, Violations } from "../lib/security/refusals.js";
import { Summary } from "../lib/security/summary.js";

const PARTS = {
  summary: { permission: "stats:read", View: Summary },
  failures: { permission: "audit:read", View: Failures },
  violations: { permission: "audit:read", View: Violations },
  blocks: { permission: "access:manage", View: Blocks },
  quarantine: { permission: "file:quarantine", View: Quarantine },
};

export default function Security({ params, query }) {
  const open = Object.keys(PARTS).filter((name) => may(PARTS[name].permission));
  const current = params.tab in PARTS ? params.tab : (open[0] ?? "summary");
  const { View, permission } = PARTS[current];
  const tabs = open.map((id) => ({ id, label: t(`security.${id}`), href: href(id === open[0] ? "security" : `security/${id}`) }));
  return html`<div class="dense">
    <${PageHead} title=${t("security.title")} text=${t("security.text")} />
    <${Tabs} label=${t("security.title")} tabs=${tabs} current=${current} />
    ${may(permission) ? html`<${View} key=${current} query=${query} />` : html`<${NotAllowed} permission=${permission} />`}
  </div>`;
}

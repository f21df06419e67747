// Access: how the service sees you, users, tokens, quotas.
import { PageHead, Tabs } from "../lib/controls.js";
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { href } from "../lib/router.js";
import { may } from "../lib/session.js";
import { NotAllowed } from "../lib/states.js";
import { Me } from "../lib/access/me.js";
import { Quotas } from "../lib/access/quotas.js";
import { Tokens } from "../lib/access/tokens.js";
import { Users } from "../lib/access/users.js";

const PARTS = { me: Me, users: Users, tokens: Tokens, quotas: Quotas };
const MANAGE = "access:manage";

export default function Access({ params, query }) {
  const current = params.tab in PARTS ? params.tab : "me";
  const open = Object.keys(PARTS).filter((name) => name === "me" || may(MANAGE));
  const tabs = open.map((id) => ({ id, label: t(`access.${id}`), href: href(id === "me" ? "access" : `access/${id}`) }));
  const View = PARTS[current];
  return html`<div class="dense">
    <${PageHead} title=${t("access.title")} text=${t("access.text")} />
    ${tabs.length > 1 && html`<${Tabs} label=${t("access.title")} tabs=${tabs} current=${current} />`}
    ${open.includes(current) ? html`<${View} key=${current} query=${query} />` : html`<${NotAllowed} permission=${MANAGE} />`}
  </div>`;
}

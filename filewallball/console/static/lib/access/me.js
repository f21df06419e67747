// How the service sees the caller: who, from where, what is left of limits and quota.
import { useAnswer } from "../answers.js";
import { Facts } from "../controls.js";
import { html } from "../dom.js";
import { Time, numberText, sizeText } from "../format.js";
import { has, t } from "../i18n.js";
import { Code, Meter, Panel, Sent, State } from "../panels.js";
import { Loaded, roleText } from "../states.js";

export function Me() {
  const state = useAnswer("/api/v1/access/me", {}, { every: 30 });
  return html`<${Loaded} state=${state} rows="10">
    ${(me) =>
      html`<div class="panels">
        <${Identity} me=${me} />
        <${Address} me=${me} />
        <${Limits} me=${me} />
        <${Quota} quota=${me.quota} />
      </div>`}
  <//>`;
}

const Identity = ({ me }) =>
  html`<${Panel} title=${t("access.identity")}>
    <${Facts}
      facts=${[
        [t("access.user"), me.username ? html`<${Sent} text=${me.username} /> (${me.user_id})` : t("common.anonymous")],
        [t("access.role"), roleText(me.role)],
        [t("access.token_number"), me.token_id ? numberText(me.token_id) : t("access.no_token")],
        [t("access.may"), html`<${Permissions} names=${me.permissions} />`],
      ]}
    />
  <//>`;

/** A role in words. */
const Permissions = ({ names }) =>
  html`<ul class="plain-list">
    ${names.map((name) => html`<li key=${name}>${t(`access.permission_${name}`)} <small class="quiet"><${Code} text=${name} /></small></li>`)}
  </ul>`;

const Address = ({ me }) =>
  html`<${Panel} title=${t("access.address")} note=${t("access.address_note")}>
    <${Facts}
      facts=${[
        [t("access.from"), html`<${Code} text=${me.address} />`],
        [t("access.counted_as"), html`<${Code} text=${me.counted_as} />`],
        [t("access.peer"), html`<${Code} text=${me.peer} /> <${Trust} me=${me} />`],
        [t("access.host"), html`<${Code} text=${me.host} /> <${Host} me=${me} />`],
        ...Object.entries(me.forwarding_headers).map(([name, value]) => [name, html`<${Code} text=${value} />`]),
      ]}
    />
  <//>`;

const Trust = ({ me }) =>
  html`<${State} tone=${me.peer_is_trusted ? "ok" : "plain"}>${t(me.peer_is_trusted ? "access.peer_trusted" : "access.peer_plain")}<//>`;

const Host = ({ me }) =>
  html`<${State} tone=${me.host_is_known ? "ok" : "warn"}>${t(me.host_is_known ? "access.host_known" : "access.host_unknown")}<//>`;

function Limits({ me }) {
  const note = t(me.limits_are_shared ? "access.limits_shared" : "access.limits_alone");
  return html`<${Panel} title=${t("access.limits")} note=${note}>
    ${me.limits.length === 0
      ? html`<p class="quiet">${t("access.limits_none")}</p>`
      : html`<ul class="gauges">${me.limits.map((limit) => html`<${Limit} key=${limit.name + limit.limit} limit=${limit} />`)}</ul>`}
  <//>`;
}

function Limit({ limit }) {
  const most = Number.parseInt(limit.limit, 10) || 1;
  const used = 1 - limit.remaining / most;
  const name = has(`access.limit_${limit.name}`) ? t(`access.limit_${limit.name}`) : limit.name;
  return html`<li>
    <span class="spread"><span>${name}</span><${Code} text=${limit.limit} /></span>
    <${Meter} share=${used} tone=${used > 0.8 ? "warn" : undefined} />
    <span class="spread quiet"><span>${t("access.remaining", { count: limit.remaining })}</span>
      <span>${t("access.resets")} <${Time} value=${limit.resets_at} style="full" /></span></span>
  </li>`;
}

const Quota = ({ quota }) =>
  html`<${Panel} title=${t("access.quota")} note=${t("access.quota_note")}>
    <ul class="gauges">
      <li><${Used} label=${t("access.bytes")} used=${quota.used_bytes} most=${quota.limit_bytes} text=${sizeText} /></li>
      <li><${Used} label=${t("access.files")} used=${quota.used_files} most=${quota.limit_files} text=${numberText} /></li>
    </ul>
  <//>`;

/** What is used of a limit; a limit of 0 is none. */
export function Used({ label, used, most, text }) {
  const share = most ? used / most : 0;
  const limit = most ? t("access.used_of", { used: text(used), most: text(most) }) : t("access.used_unlimited", { used: text(used) });
  return html`<span class="spread">${label && html`<span>${label}</span>`}<span class="number">${limit}</span></span>
    ${most > 0 && html`<${Meter} share=${share} tone=${share > 0.9 ? "danger" : share > 0.75 ? "warn" : undefined} />`}`;
}

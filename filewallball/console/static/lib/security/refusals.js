// The latest refusals on record: wrong credentials, and exceeded limits.
import { useAnswer } from "../answers.js";
import { html } from "../dom.js";
import { Time, numberText } from "../format.js";
import { t } from "../i18n.js";
import { List } from "../list.js";
import { Code, Panel, Sent } from "../panels.js";
import { href } from "../router.js";
import { storyOf } from "../audit/event.js";

const SIZE = 50;

/** The errors of credentials that do not work. */
export const WRONG_CREDENTIALS = ["auth_expired", "auth_malformed", "auth_revoked", "auth_unknown", "link_password_wrong"];

export const Failures = ({ query }) =>
  html`<${Refusals} name="failures" filters=${{ error_type: WRONG_CREDENTIALS.join(",") }} column="error_type" query=${query} />`;

export const Violations = ({ query }) =>
  html`<${Refusals} name="violations" filters=${{ error_type: "rate_limited" }} column="action" query=${query} />`;

function Refusals({ name, filters, column, query }) {
  const state = useAnswer("/api/v1/audit/logs", { ...filters, size: SIZE, cursor: query.cursor, total: "false" });
  const actions = html`<a href=${href("audit", filters)}>${t("security.in_audit")}</a>`;
  return html`<${Panel} title=${t(`security.${name}`)} note=${t(`security.${name}_note`)} actions=${actions}>
    <${List}
      label=${t(`security.${name}`)}
      state=${state}
      rows=${(value) => value.logs}
      empty=${t(`security.${name}_none`)}
      columns=${columns(column)}
      cursor=${query.cursor ?? ""}
    />
  <//>`;
}

const columns = (column) => [
  { key: "when", label: t("security.when"), render: (row) => html`<${Time} value=${row.timestamp} style="full" />` },
  { key: "from", label: t("security.from"), isTitle: true, render: (row) => html`<${From} address=${row.ip_address} />` },
  { key: "times", label: t("security.times"), align: "end", render: (row) => numberText(row.count) },
  { key: "what", label: t(`security.${column}`), render: (row) => html`<${Code} text=${row[column]} />` },
  { key: "agent", label: t("security.agent"), render: (row) => html`<${Sent} text=${row.user_agent} />` },
  { key: "story", label: t("security.actions"), align: "end", render: (row) => html`<${StoryLink} row=${row} />` },
];

const From = ({ address }) => html`<a href=${href("audit", { ip_address: address })}><${Code} text=${address} /></a>`;

const StoryLink = ({ row }) =>
  row.request_id ? html`<a href=${storyOf(row.request_id)}>${t("security.story")}</a>` : null;

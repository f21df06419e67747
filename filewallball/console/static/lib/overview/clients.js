// The clients that do the most.
import { useAnswer } from "../answers.js";
import { html } from "../dom.js";
import { Size, numberText } from "../format.js";
import { t } from "../i18n.js";
import { List } from "../list.js";
import { Choice, Code, Panel } from "../panels.js";
import { href } from "../router.js";

const ORDERS = ["count", "bytes", "errors"];
const SIZE = 10;

export function Clients({ days, query }) {
  const order = ORDERS.includes(query.order) ? query.order : ORDERS[0];
  const state = useAnswer("/api/v1/stats/clients", { days, order, size: SIZE }, { every: 60 });
  const choice = html`<${Choice}
    label=${t("overview.order")}
    current=${order}
    values=${ORDERS.map((each) => [each, t(`overview.order_${each}`)])}
    address=${(each) => href("overview", { ...query, order: each })}
  />`;
  return html`<${Panel} title=${t("overview.clients")} actions=${choice}>
    <${List}
      label=${t("overview.clients")}
      state=${state}
      rows=${(value) => value.clients}
      rowKey=${(row) => row.client_ip}
      empty=${t("overview.clients_none")}
      columns=${columns(query)}
    />
  <//>`;
}

const columns = (query) => [
  { key: "client", label: t("overview.client"), isTitle: true, render: (row) => html`<a href=${href("overview", { ...query, client: row.client_ip })}><${Code} text=${row.client_ip} /></a>` },
  { key: "count", label: t("overview.order_count"), align: "end", render: (row) => numberText(row.count) },
  { key: "bytes", label: t("overview.order_bytes"), align: "end", render: (row) => html`<${Size} bytes=${row.bytes} />` },
  { key: "errors", label: t("overview.order_errors"), align: "end", render: (row) => numberText(row.errors) },
];

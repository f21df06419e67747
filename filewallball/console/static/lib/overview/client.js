// One client: uploads, types and causes of failure.
import { useAnswer } from "../answers.js";
import { html } from "../dom.js";
import { numberText, percentText, sizeText } from "../format.js";
import { t } from "../i18n.js";
import { Figure, Figures } from "../panels.js";
import { href } from "../router.js";
import { may } from "../session.js";
import { Loaded } from "../states.js";
import { Shares, Types } from "./shares.js";

export function Client({ client, days, isForAll, query }) {
  const state = useAnswer(`/api/v1/upload/statistics/${encodeURIComponent(client)}`, { days }, { every: 30 });
  return html`<p class="trail">
      ${isForAll && html`<a href=${href("overview", { ...query, client: "" })}>${t("overview.all_clients")}</a>`}
      ${may("audit:read") && html`<a href=${href("audit", { ip_address: client })}>${t("overview.client_audit")}</a>`}
    </p>
    <${Loaded} state=${state} rows="6">
      ${(value) =>
        html`<div class="stack">
          <${Uploads} value=${value} />
          <div class="panels">
            <${Types} counts=${value.file_type_distribution} title=${t("overview.client_types")} />
            <${Shares} counts=${value.error_breakdown} title=${t("overview.causes")} empty=${t("overview.causes_none")}
              address=${may("audit:read") && ((code) => href("audit", { error_type: code, ip_address: client }))} />
          </div>
        </div>`}
    <//>`;
}

const Uploads = ({ value }) =>
  html`<${Figures}>
    <${Figure} label=${t("overview.attempts")} value=${numberText(value.total_uploads)}
      note=${t("overview.failed", { count: value.failed_uploads })} tone=${value.failed_uploads ? "warn" : undefined} />
    <${Figure} label=${t("overview.success_rate")} value=${value.total_uploads ? percentText(value.successful_uploads / value.total_uploads) : "–"} />
    <${Figure} label=${t("overview.uploaded_bytes")} value=${sizeText(value.total_size)} />
    <${Figure} label=${t("overview.average_size")} value=${sizeText(value.average_file_size)} />
  <//>`;

// The figures of the whole service, who does most and what fails.
import { useAnswer } from "../answers.js";
import { html } from "../dom.js";
import { durationText, numberText, percentText, sizeText } from "../format.js";
import { t } from "../i18n.js";
import { Figure, Figures } from "../panels.js";
import { Loaded } from "../states.js";
import { Clients } from "./clients.js";
import { Causes, Types } from "./shares.js";

const HIGH_ERROR_PERCENT = 5;
const FULL_PERCENT = 90;
const FULL_SOON_DAYS = 14;
const LONG_DAYS = 3650;

export function Service({ days, series, query }) {
  const detailed = useAnswer("/api/v1/metrics/detailed", { days }, { every: 30 });
  return html`<${Loaded} state=${detailed} rows="6">
    ${(value) =>
      html`<div class="stack">
        <${Figures}><${Traffic} value=${value} series=${series} /><${Stock} value=${value} /><//>
        <div class="panels">
          <${Clients} days=${days} query=${query} />
          <${Causes} days=${days} />
          <${Types} counts=${value.system_metrics.files_by_type} title=${t("overview.types")} />
        </div>
      </div>`}
  <//>`;
}

/** The sum of a series; undefined until it is there. */
const sum = (points) => points?.reduce((total, point) => total + (point.value ?? 0), 0);

function Traffic({ value: { performance_metrics: performance, security_metrics: security, active_connections: active }, series }) {
  const failures = sum(series?.failures);
  const refused = security.failed_authentications + security.rate_limit_violations;
  return html`<${Figure} label=${t("overview.uploads")} value=${numberText(sum(series?.uploads))}
      note=${failures === undefined ? "" : t("overview.failed", { count: failures })} tone=${failures ? "warn" : undefined} />
    <${Figure} label=${t("overview.downloads")} value=${numberText(sum(series?.downloads))}
      note=${series && t("overview.sent", { size: sizeText(sum(series.sent)) })} />
    <${Figure} label=${t("overview.active")} value=${numberText(active)} note=${t("overview.active_note")} />
    <${Figure} label=${t("overview.response_time")} value=${durationText(performance.response_time_p95)}
      note=${t("overview.p99", { time: durationText(performance.response_time_p99) })} />
    <${Figure} label=${t("overview.error_rate")} value=${percentText(performance.error_rate / 100)}
      note=${t("overview.error_rate_note")} tone=${performance.error_rate > HIGH_ERROR_PERCENT ? "danger" : undefined} />
    <${Figure} label=${t("overview.refused")} value=${numberText(refused)} note=${t("overview.suspicious", { count: security.suspicious_uploads })} />`;
}

function Stock({ value: { system_metrics: system, user_metrics: users, capacity } }) {
  const { storage_utilization: used } = system;
  const left = capacity.days_until_full;
  return html`<${Figure} label=${t("overview.storage")} value=${percentText(used / 100)} share=${used / 100}
      note=${t("overview.free", { size: sizeText(system.disk_free_space) })} tone=${used > FULL_PERCENT ? "danger" : undefined} />
    <${Figure} label=${t("overview.days_until_full")} value=${daysText(left)}
      note=${t("overview.growth", { size: sizeText(capacity.growth_per_day_7_days) })}
      tone=${left !== null && left < FULL_SOON_DAYS ? "danger" : undefined} />
    <${Figure} label=${t("overview.kept")} value=${sizeText(system.total_storage_used)} note=${t("overview.files", { count: system.total_files })} />
    <${Figure} label=${t("overview.people")} value=${numberText(users.active_users_today)} note=${t("overview.addresses", { count: users.unique_ips_today })} />`;
}

/** Ten years and more mean that nothing fills the disk. */
function daysText(days) {
  if (days === null) return t("overview.never_full");
  return days > LONG_DAYS ? t("overview.long") : t("overview.days", { count: Math.floor(days) });
}

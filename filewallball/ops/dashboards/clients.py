"""Clients and users: who sends and fetches most, who fails most, and who should have sent something by now."""

from filewallball.ops.dashboards.dashboard import Dashboard, Row
from filewallball.ops.dashboards.panels import (
    STEP,
    Look,
    bargauge,
    heatmap,
    of_service,
    piechart,
    table,
    timeseries,
)
from filewallball.ops.promql import increase, quantile, rate

_UPLOADS, _DOWNLOADS = "file_uploads_total{@}", "file_downloads_total{@}"
_UNSUCCESSFUL = 'file_uploads_total{status!="success",@}'
_RANGE = "$__range"
_LIMIT = "Each worker slot names the first 200 addresses that it sees; the rest are `other`."


def _by_user(series: str) -> str:
    """The ten users with the highest values; every host tells of the same users."""
    return f"topk(10, max by (user_id) ({series}))"


_MOST = Row(
    "Who does most",
    (
        bargauge(
            "Uploads by client",
            of_service(
                f"topk(10, sum by (client_ip) {increase(_UPLOADS, _RANGE)})",
                "{{client_ip}}",
            ),
            about=f"In the time shown. {_LIMIT}",
        ),
        bargauge(
            "Downloads by client",
            of_service(
                f"topk(10, sum by (client_ip) {increase(_DOWNLOADS, _RANGE)})",
                "{{client_ip}}",
            ),
            about=f"In the time shown. {_LIMIT}",
        ),
        timeseries(
            "Uploads over time",
            of_service(f"topk(10, sum by (client_ip) {rate(_UPLOADS, STEP)})", "{{client_ip}}"),
            about=_LIMIT,
            look=Look("ops"),
        ),
        timeseries(
            "Downloads over time",
            of_service(f"topk(10, sum by (client_ip) {rate(_DOWNLOADS, STEP)})", "{{client_ip}}"),
            about=_LIMIT,
            look=Look("ops"),
        ),
        bargauge(
            "Uploads that failed or were denied",
            of_service(
                f"topk(10, sum by (client_ip) {increase(_UNSUCCESSFUL, _RANGE)} > 0)",
                "{{client_ip}}",
            ),
            about="`/api/v1/upload/statistics/ADDRESS` has the causes.",
            runbook="higherrorrate",
        ),
        piechart(
            "Outcome of uploads",
            of_service(
                f"sum by (status) {increase(_UPLOADS, _RANGE)}",
                "{{status}}",
            ),
            about="In the time shown.",
        ),
        piechart(
            "Types downloaded",
            of_service(
                f"sum by (file_type) {increase(_DOWNLOADS, _RANGE)}",
                "{{file_type}}",
            ),
            about="In the time shown.",
        ),
    ),
)
_EXPECTED = Row(
    "Who should send",
    (
        bargauge(
            "Share of the time allowed",
            of_service(
                "100 * max by (client_ip) (client_last_upload_age_seconds{@})"
                " / max by (client_ip) (client_expected_within_seconds{@})",
                "{{client_ip}}",
            ),
            about="Of clients declared at /api/v1/stats/expected; above 100 one is overdue.",
            look=Look("percent", yellow=75, red=100, most=100),
            runbook="expectedsendersilent",
        ),
        table(
            "Last upload",
            of_service("max by (client_ip) (client_last_upload_age_seconds{@})"),
            about="Time since the last successful upload, or since the client was declared.",
            look=Look("s"),
            runbook="expectedsendersilent",
        ),
    ),
)
_TODAY = "Since midnight UTC, as the audit log has it; the name of an id is in `filewallball users list`."
_USERS = Row(
    "Users",
    (
        bargauge(
            "Bytes by user",
            of_service(_by_user("user_transferred_bytes{@}"), "{{user_id}}"),
            about=f"Of files sent and received. {_TODAY}",
            look=Look("bytes"),
        ),
        bargauge(
            "Operations by user",
            of_service(_by_user('user_operations{outcome="all",@}'), "{{user_id}}"),
            about=f"Refused ones too. {_TODAY}",
        ),
        bargauge(
            "Failures by user",
            of_service(_by_user('user_operations{outcome="failed",@}'), "{{user_id}}"),
            about=f"Operations that failed. {_TODAY}",
        ),
        bargauge(
            "Quota used",
            of_service(f"100 * {_by_user('user_quota_used_ratio{@}')}", "{{user_id}}"),
            about="Of bytes or files, whichever is fuller; users without a quota are not shown. From 80 % on the alert "
            "fires.",
            look=Look("percent", yellow=80, red=100, most=100),
            runbook="quotanearlyused",
        ),
    ),
)
_LOAD = Row(
    "What they cause",
    (
        timeseries(
            "Time to download",
            of_service(
                quantile(0.95, "file_download_duration_seconds_bucket{@}", STEP),
                "95th percentile",
            ),
            about="Until the last byte; those that nginx sends are not timed.",
            look=Look("s"),
        ),
        heatmap(
            "Durations of downloads",
            of_service(f"sum by (le) {increase('file_download_duration_seconds_bucket{@}', STEP)}", "{{le}}"),
            about="The number of downloads by duration: those of slow clients last long.",
            unit="s",
        ),
    ),
)

CLIENTS = Dashboard(
    "filewallball-clients",
    "FileWallBall Clients",
    "The clients and users that do the most, quotas, and clients that are expected to upload.",
    (_MOST, _USERS, _EXPECTED, _LOAD),
)

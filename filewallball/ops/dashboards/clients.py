"""Clients: who sends and fetches most, who fails most, and who should have sent something by now."""

from filewallball.ops.dashboards.dashboard import Dashboard, Row
from filewallball.ops.dashboards.panels import Look, bargauge, of_service, piechart, table, timeseries
from filewallball.ops.promql import increase, quantile, rate

_UPLOADS, _DOWNLOADS = "file_uploads_total{@}", "file_downloads_total{@}"
_UNSUCCESSFUL = 'file_uploads_total{status!="success",@}'
_RANGE, _WINDOW = "$__range", "$window"
_LIMIT = "Each worker slot names the first 200 addresses that it sees; the rest are `other`."

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
            of_service(f"topk(10, sum by (client_ip) {rate(_UPLOADS, _WINDOW)})", "{{client_ip}}"),
            about=_LIMIT,
            look=Look("ops"),
        ),
        timeseries(
            "Downloads over time",
            of_service(f"topk(10, sum by (client_ip) {rate(_DOWNLOADS, _WINDOW)})", "{{client_ip}}"),
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
_LOAD = Row(
    "What they cause",
    (
        timeseries(
            "Requests in progress",
            of_service("sum(active_connections{@})", "in progress"),
            about="Transfers of slow clients last long; nginx keeps them away from workers.",
        ),
        timeseries(
            "Time to download",
            of_service(
                quantile(0.95, "file_download_duration_seconds_bucket{@}", _WINDOW),
                "95th percentile",
            ),
            about="Until the last byte; those that nginx sends are not timed.",
            look=Look("s"),
        ),
    ),
)

CLIENTS = Dashboard(
    "filewallball-clients",
    "FileWallBall Clients",
    "The clients that do the most, and those that are expected to upload.",
    (_MOST, _EXPECTED, _LOAD),
)

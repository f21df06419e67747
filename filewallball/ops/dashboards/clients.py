"""Clients: who sends and fetches most, who fails most, and who should have sent something by now."""

from filewallball.ops.dashboards.dashboard import Dashboard, Row
from filewallball.ops.dashboards.panels import Look, bargauge, of_service, piechart, table, timeseries

_LIMIT = "Each worker slot names the first 200 addresses that it sees; the rest are `other`."

_MOST = Row(
    "Who does most",
    (
        bargauge(
            "Uploads by client",
            of_service(
                "topk(10, sum by (client_ip) (increase(file_uploads_total{@}[$__range])))",
                "{{client_ip}}",
                now=True,
            ),
            about=f"In the time shown. {_LIMIT}",
        ),
        bargauge(
            "Downloads by client",
            of_service(
                "topk(10, sum by (client_ip) (increase(file_downloads_total{@}[$__range])))",
                "{{client_ip}}",
                now=True,
            ),
            about=f"In the time shown. {_LIMIT}",
        ),
        timeseries(
            "Uploads over time",
            of_service(
                "topk(10, sum by (client_ip) (rate(file_uploads_total{@}[$window])))", "{{client_ip}}"
            ),
            about=_LIMIT,
            look=Look("ops"),
        ),
        timeseries(
            "Downloads over time",
            of_service(
                "topk(10, sum by (client_ip) (rate(file_downloads_total{@}[$window])))", "{{client_ip}}"
            ),
            about=_LIMIT,
            look=Look("ops"),
        ),
        bargauge(
            "Uploads that failed or were denied",
            of_service(
                'topk(10, sum by (client_ip) (increase(file_uploads_total{status!="success",@}[$__range])))',
                "{{client_ip}}",
                now=True,
            ),
            about="`/api/v1/upload/statistics/ADDRESS` has the causes.",
            runbook="higherrorrate",
        ),
        piechart(
            "Outcome of uploads",
            of_service("sum by (status) (increase(file_uploads_total{@}[$__range]))", "{{status}}", now=True),
            about="In the time shown.",
        ),
        piechart(
            "Types downloaded",
            of_service(
                "sum by (file_type) (increase(file_downloads_total{@}[$__range]))", "{{file_type}}", now=True
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
                "histogram_quantile(0.95, sum by (le) (rate(file_download_duration_seconds_bucket{@}[$window])))",
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

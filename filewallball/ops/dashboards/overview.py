"""System Overview: is it up, what does it do, how quickly, how full is it, and how is its machine?"""

from filewallball.ops.dashboards.dashboard import Dashboard, Row
from filewallball.ops.dashboards.host import HOST
from filewallball.ops.dashboards.objectives import OBJECTIVES
from filewallball.ops.dashboards.panels import (
    HEALTH,
    STEP,
    Look,
    alertlist,
    bargauge,
    gauge,
    heatmap,
    of_service,
    piechart,
    stat,
    table,
    timeseries,
)
from filewallball.ops.dashboards.resumable import RESUMABLE
from filewallball.ops.promql import increase, quantile, rate
from filewallball.ops.request_failures import faults, successes
from filewallball.ops.shared_records import ANSWERS, FILE_SIZES, REQUEST_DURATIONS

_WINDOW = "$window"
_UPLOADS = rate("file_uploads_total{@}", STEP)
_FAULTS, _SUCCESSES = faults(_WINDOW, ",@"), successes(_WINDOW, ",@")

_AT_A_GLANCE = Row(
    "At a glance",
    (
        stat(
            "Health",
            of_service(
                'min(filewallball_health_status{service="overall",@}'
                ' or on (instance) up{job="filewallball-health",@} == 0)'
            ),
            about="The worst of everything that the service needs; what is not configured does not count. "
            "A service that does not answer is unhealthy.",
            look=Look(names=HEALTH, yellow=0.5, red=0, low_is_bad=True),
            runbook="healthcheckfailed",
        ),
        stat(
            "Uptime",
            of_service("min(filewallball_uptime_seconds{@})"),
            about="Since the service started; worker replacements, reloads and upgrades do not end it.",
            look=Look("s"),
        ),
        stat(
            "Requests in progress",
            of_service("sum(active_connections{@})"),
            about="A worker takes as many as it has threads; at WEB_CONCURRENCY × THREADS newcomers wait.",
        ),
        stat(
            "Failed operations",
            of_service(f"100 * sum {_FAULTS} / (sum {_FAULTS} + sum {_SUCCESSES} > 0) or 0 * sum {_FAULTS}"),
            about="Share that failed by the service's fault of what did so or succeeded: refusals, wrong requests "
            "and dead links are not among them, nor is what Alertmanager asks.",
            look=Look("percent", yellow=1, red=5, decimals=2),
            runbook="errorpercentagehigh",
        ),
        stat(
            "Free space",
            of_service("min(storage_free_bytes{@})"),
            about="On the file system that holds the files; MIN_FREE_SPACE of it is never given to uploads. "
            "Whether that is little, Storage Usage says.",
            look=Look("bytes", plain=True),
            runbook="storagefull",
        ),
        stat(
            "Free in 24 hours",
            of_service("100 * min(predict_linear(storage_free_bytes{@}[6h], 86400) / storage_size_bytes{@})"),
            about="Share of the file system that will be free, where the last six hours lead; "
            "below zero it will be full.",
            look=Look("percent", yellow=10, red=0, low_is_bad=True, decimals=1),
            runbook="diskfullin24hours",
        ),
    ),
)
_ALERTS = Row(
    "Alerts",
    (
        alertlist(
            "Alerts pending and firing",
            about="As Prometheus has them, silenced ones too, without the Watchdog.",
        ),
    ),
)
_TRAFFIC = Row(
    "Traffic",
    (
        timeseries(
            "File Uploads",
            of_service(
                f"sum by (status, file_type) {_UPLOADS} > 0 or sum by (status) {_UPLOADS}",
                "{{status}} - {{file_type}}",
            ),
            about="Uploads a second by outcome and type; lines without a type are the sums.",
            look=Look("ops"),
        ),
        timeseries(
            "File Downloads",
            of_service(f"sum by (file_type) {rate('file_downloads_total{@}', STEP)}", "{{file_type}}"),
            about="Downloads a second by type, those that nginx sends among them.",
            look=Look("ops"),
        ),
        timeseries(
            "Bytes of files",
            of_service(
                'sum(rate(file_upload_bytes_total{status="success",@}[$__rate_interval]))', "received"
            ),
            of_service('sum(rate(file_download_bytes_total{status="success",@}[$__rate_interval]))', "sent"),
            about="Content of files, without headers and framing.",
            look=Look("Bps"),
        ),
        timeseries(
            "HTTP answers",
            of_service(f"sum by (status) {ANSWERS.per_second(STEP)}", "{{status}}"),
            about="Answers a second by status code.",
            look=Look("reqps"),
            stack=True,
        ),
        piechart(
            "Stored by type",
            of_service(
                f"sum by (file_type) {increase('file_size_bytes_count{@}', '$__range')}",
                "{{file_type}}",
            ),
            about="Successful uploads in the time shown.",
        ),
        bargauge(
            "Operations",
            of_service(
                "topk(12, sum by (action) (increase(operations_total{@}[$__range])))",
                "{{action}}",
            ),
            about="What was done in the time shown, refused or not.",
            width=10,
        ),
        timeseries(
            "Size of uploads",
            of_service(FILE_SIZES.quantile(0.5, STEP), "median"),
            of_service(FILE_SIZES.quantile(0.95, STEP), "95 %"),
            about="Successful uploads, within the histogram's steps.",
            look=Look("bytes"),
            width=8,
        ),
        heatmap(
            "Sizes of uploads",
            of_service(f"sum by (le) {FILE_SIZES.increase(STEP)}", "{{le}}"),
            about="The number of successful uploads by size: one line of the median may hide two kinds of files.",
            unit="bytes",
            width=24,
        ),
    ),
)
_QUALITY = Row(
    "Speed and errors",
    (
        timeseries(
            "Response Time",
            *(
                of_service(quantile(q, "file_upload_duration_seconds_bucket{@}", STEP), name)
                for q, name in ((0.95, "95th percentile"), (0.5, "median"), (0.99, "99th percentile"))
            ),
            about="Uploads, from their first byte to their commit: slow clients count in.",
            look=Look("s", red=5),
            runbook="highresponsetime",
        ),
        timeseries(
            "Response time by route",
            of_service(
                REQUEST_DURATIONS.quantile(0.95, STEP, 'url_rule!="None",@', "le, url_rule"),
                "{{url_rule}}",
            ),
            about="95th percentile, until the last byte left.",
            look=Look("s"),
        ),
        heatmap(
            "Durations of uploads",
            of_service(f"sum by (le) {increase('file_upload_duration_seconds_bucket{@}', STEP)}", "{{le}}"),
            about="The number of uploads by duration; points are single requests, with their ids.",
            unit="s",
            runbook="highresponsetime",
        ),
        heatmap(
            "Durations of requests",
            of_service(f"sum by (le) {REQUEST_DURATIONS.increase(STEP)}", "{{le}}"),
            about="The number of HTTP requests by duration, on all routes.",
            unit="s",
        ),
        timeseries(
            "Requests waiting",
            of_service("max by (role) (requests_waiting{@})", "{{role}}"),
            about="For a thread of the pool, or for a sync worker. Some at a peak are well; a queue that stays needs "
            "more of them, or waits for something that hangs.",
        ),
        timeseries(
            "Error Rate",
            of_service(f"sum by (error_type) {rate('errors_total{@}', STEP)}", "{{error_type}}"),
            about="Failed operations a second by code; the alert looks at each series, above 0.05 for five minutes.",
            look=Look("ops", red=0.05),
            runbook="higherrorrate",
        ),
        timeseries(
            "Exceptions and lost work",
            of_service(
                "sum(increase(flask_http_request_exceptions_total{@}[$__rate_interval]))", "exceptions"
            ),
            of_service("sum(increase(worker_unclean_exits_total{@}[$__rate_interval]))", "workers killed"),
            of_service(
                "sum(increase(operations_recovered_total{@}[$__rate_interval]))", "operations aborted"
            ),
            of_service("sum(increase(log_records_dropped_total{@}[$__rate_interval]))", "log lines dropped"),
            of_service(
                "sum(increase(metric_files_unreadable_total{@}[$__rate_interval]))", "metric files unreadable"
            ),
            of_service(
                "sum(increase(metric_updates_dropped_total{@}[$__rate_interval]))", "metric updates dropped"
            ),
            about="All of it should be zero.",
            look=Look(red=1),
            runbook="healthcheckfailed",
        ),
    ),
)
_DEPENDENCIES = Row(
    "Storage and dependencies",
    (
        gauge(
            "Storage Usage",
            of_service("max(storage_utilization_percent{@})", "Storage Usage"),
            about="As df says it.",
            look=Look("percent", yellow=75, red=90, most=100),
            runbook="storagefull",
        ),
        table(
            "Dependencies",
            of_service('filewallball_health_status{service!="overall",@}'),
            about="How each is now.",
            look=Look(names=HEALTH, yellow=0.5, red=0, low_is_bad=True),
            runbook="healthcheckfailed",
            width=9,
        ),
        timeseries(
            "Response time of dependencies",
            of_service("max by (service) (filewallball_health_response_seconds{@})", "{{service}}"),
            about="How long the last check of each took.",
            look=Look("s"),
            width=9,
        ),
        timeseries(
            "Database connections",
            of_service("sum(database_connections_open{@})", "open"),
            of_service("sum(database_connections_in_use{@})", "in use"),
            about="Kept by workers, and at work now.",
        ),
        timeseries(
            "Metadata cache",
            of_service(
                '100 * sum(rate(cache_requests_total{result="hit",@}[$__rate_interval]))'
                " / (sum(rate(cache_requests_total{@}[$__rate_interval])) > 0)",
                "found",
            ),
            about="Share of lookups that Redis answered; 0 without Redis, a gap without lookups.",
            look=Look("percent", most=100),
        ),
        table(
            "Versions",
            of_service("filewallball_build_info{@}"),
            about="What runs where.",
            hide=("Value",),
            width=24,
        ),
    ),
)
OVERVIEW = Dashboard(
    "filewallball-overview",
    "FileWallBall System Overview",
    "Objectives, traffic, resumable uploads, speed, errors, storage, dependencies, and the host.",
    (_AT_A_GLANCE, _ALERTS, OBJECTIVES, _TRAFFIC, RESUMABLE, _QUALITY, _DEPENDENCIES, HOST),
    hosts=True,
)

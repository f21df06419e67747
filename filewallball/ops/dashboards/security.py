"""Security: who is refused and why, what looks dangerous, and which protection works with one hand."""

from filewallball.ops.alertmanager import firing
from filewallball.ops.dashboards.dashboard import Dashboard, Row
from filewallball.ops.dashboards.panels import STEP, Look, bargauge, of_service, stat, timeseries
from filewallball.ops.promql import rate
from filewallball.ops.shared_records import ANSWERS, ERRORS

_REFUSALS = 'status=~"401|403|429",@'
_UNWANTED = 'error_type=~"invalid_file_type|suspicious_file|infected_file|not_scannable|file_too_large",@'

_NOW = Row(
    "Now",
    (
        stat(
            "Suspicious Uploads",
            of_service("sum(suspicious_uploads_total{@})", "Suspicious Uploads"),
            about="Since the service started: deceptive names, dangerous content. The list is at /api/v1/quarantine.",
            runbook="failedauthentications",
        ),
        stat(
            "Failed authentications, 5 minutes",
            of_service(
                'sum(increase(authentication_failures_total{failure_type!~"missing|forbidden",@}[5m]))'
            ),
            about="Malformed, unknown, expired and revoked tokens; more than 10 is the alert.",
            look=Look(yellow=5, red=10, decimals=0),
            runbook="failedauthentications",
        ),
        stat(
            "Blocked networks",
            of_service("max(blocked_networks{@})"),
            about="By hand or for an offence; `filewallball blocks list` tells reasons.",
        ),
        stat(
            "Workers limiting alone",
            of_service("sum(rate_limit_degraded_workers{@})"),
            about="Redis does not answer them, so a client may reach each limit once on every host.",
            look=Look(red=1),
            runbook="limiterdegraded",
        ),
        stat(
            "Workers that suspect TRUSTED_PROXIES",
            of_service("sum(proxy_setting_suspect_workers{@})"),
            about="One address that is no trusted proxy sends most requests: limits and blocks hit all its clients.",
            look=Look(red=1),
        ),
        stat(
            "Alerts firing",
            of_service(f"count({firing()}) or vector(0)"),
            about="All of them, not only those of security; without the Watchdog, which always fires, and what another "
            "alert inhibits. Prometheus does not know silences: silenced alerts count.",
            look=Look(red=1),
        ),
    ),
)
_REFUSED = Row(
    "Refused",
    (
        timeseries(
            "Failed Authentications",
            of_service(
                "sum by (failure_type) (rate(authentication_failures_total{@}[$__rate_interval]))",
                "{{failure_type}}",
            ),
            about="A second, by cause. Missing and forbidden are callers without a token or with too small a role.",
            look=Look("ops"),
            runbook="failedauthentications",
        ),
        timeseries(
            "Rate Limit Violations",
            of_service(f"sum by (endpoint) {rate('rate_limit_violations_total{@}', STEP)}", "{{endpoint}}"),
            about="Requests a second beyond RATELIMIT_*, by route.",
            look=Look("ops"),
        ),
        timeseries(
            "Denied operations",
            of_service(
                'sum by (action) (rate(operations_total{status="denied",@}[$__rate_interval])) > 0'
                ' or sum(rate(operations_total{status="denied",@}[$__rate_interval]))',
                "{{action}}",
            ),
            about="Permission, limit, block or quota; each is in the audit log, floods folded into one row.",
            look=Look("ops"),
        ),
        timeseries(
            "Answers 401, 403 and 429",
            of_service(
                f"sum by (status) {ANSWERS.per_second(STEP, _REFUSALS)}",
                "{{status}}",
            ),
            about="The same as clients see it.",
            look=Look("reqps"),
        ),
    ),
)
_CONTENT = Row(
    "Content and names",
    (
        timeseries(
            "Suspicious uploads over time",
            of_service("sum(increase(suspicious_uploads_total{@}[$__rate_interval]))", "suspicious"),
            about="At each point, since the one before.",
            look=Look(yellow=1),
            runbook="failedauthentications",
        ),
        timeseries(
            "Refused content",
            of_service(
                f"sum by (error_type) {ERRORS.per_second(STEP, _UNWANTED)}",
                "{{error_type}}",
            ),
            about="Uploads a second that were not kept for what they are.",
            look=Look("ops"),
        ),
        bargauge(
            "Refused by cause",
            of_service(
                "topk(10, sum by (failure_type) (increase(authentication_failures_total{@}[$__range])))",
                "{{failure_type}}",
            ),
            about="Credentials refused in the time shown.",
        ),
        timeseries(
            "Forwarding headers ignored or unreadable",
            of_service("sum(rate(forwarded_headers_ignored_total{@}[$__rate_interval]))", "ignored"),
            of_service("sum(rate(client_address_unreadable_total{@}[$__rate_interval]))", "unreadable"),
            of_service("sum(rate(unknown_hosts_total{@}[$__rate_interval]))", "unknown host"),
            about="Ignored: from peers that TRUSTED_PROXIES does not name, so spoofing or a missing setting. "
            "Unreadable: a trusted proxy sends no address, and its clients share one limit. "
            "Unknown host: the request names no host of the service (ALLOWED_HOSTS).",
            look=Look("reqps"),
        ),
    ),
)

SECURITY = Dashboard(
    "filewallball-security",
    "FileWallBall Security",
    "Credentials, limits, blocks, suspicious content.",
    (_NOW, _REFUSED, _CONTENT),
)

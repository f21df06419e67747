"""The metrics that operations, requests and workers count."""

from itertools import product

from filewallball.observability import vocabulary as words
from filewallball.observability.labels import Label
from filewallball.observability.metric import COUNTER, GAUGE, HISTOGRAM, Metric, one_of
from filewallball.observability.vocabulary import BYTES, OTHER, SECONDS

_UPLOAD_ERRORS = (
    *("file_too_large", "invalid_file_type", "network_error", "digest_mismatch", "validation_error"),
    *("suspicious_file", "infected_file", "not_scannable", *words.SERVER_ERRORS),
)
_DOWNLOAD_ERRORS = ("not_found", "expired", "network_error", *words.SERVER_ERRORS)

_STATUS = Label("status", len(words.STATUSES), "success, failed, denied")
_FILE_TYPE = Label("file_type", len(words.MEDIA_TYPES), "known media types, `other`")
_CLIENT = Label("client_ip", words.MAX_CLIENTS + 1, f"first {words.MAX_CLIENTS} addresses of a slot, `other`")
_ENDPOINT = Label("endpoint", words.MAX_RULES, "URL rules")
_ERROR = Label("error_type", len(words.ERROR_CODES), "error codes, `other`")
_METHOD = Label("method", len(words.METHODS), ", ".join(words.METHODS))
_RULE = Label("url_rule", words.MAX_RULES, "URL rules, `None` for no route")
_HTTP_STATUS = Label("status", len(words.HTTP_STATUSES), "HTTP status codes, `other`")
_TYPES_PRESET = tuple((kind,) for kind in (*words.COMMON_TYPES, OTHER))
_NOBODY = tuple((status, OTHER, OTHER) for status in words.STATUSES)

COUNTED = (
    Metric(
        "file_uploads_total",
        COUNTER,
        "Uploads attempted, by outcome",
        (_STATUS, _FILE_TYPE, _CLIENT),
        preset=_NOBODY,
    ),
    Metric(
        "file_downloads_total",
        COUNTER,
        "Downloads answered in full or in part",
        (_FILE_TYPE, _CLIENT),
        preset=((OTHER, OTHER),),
    ),
    Metric(
        "file_upload_duration_seconds",
        HISTOGRAM,
        "Time from a successful upload's first byte to its commit; without resumable ones",
        (_FILE_TYPE,),
        SECONDS,
        preset=_TYPES_PRESET,
    ),
    Metric(
        "upload_commit_duration_seconds",
        HISTOGRAM,
        "Time from the last byte of a successful upload to its commit, resumable ones included",
        buckets=SECONDS,
    ),
    Metric(
        "file_download_duration_seconds",
        HISTOGRAM,
        "Time from a download's request to its last byte; without those that nginx sends",
        (_FILE_TYPE,),
        SECONDS,
        preset=_TYPES_PRESET,
    ),
    Metric(
        "file_size_bytes",
        HISTOGRAM,
        "Sizes of successful uploads",
        (_FILE_TYPE,),
        BYTES,
        preset=_TYPES_PRESET,
    ),
    Metric(
        "file_upload_bytes_total",
        COUNTER,
        "Bytes of file content received",
        (_STATUS,),
        preset=tuple((status,) for status in words.STATUSES),
    ),
    Metric(
        "file_download_bytes_total",
        COUNTER,
        "Bytes of file content sent by downloads",
        (_STATUS,),
        preset=tuple((status,) for status in words.STATUSES),
    ),
    Metric("file_uploads_aborted_total", COUNTER, "Uploads whose client went away before the end"),
    Metric("resumable_upload_bytes_total", COUNTER, "Bytes of resumable uploads, as they arrive"),
    Metric(
        "resumable_uploads_resumed_total",
        COUNTER,
        "Resumable uploads that went on after they were broken off",
    ),
    Metric("resumable_uploads_expired_total", COUNTER, "Resumable uploads that were not finished in time"),
    Metric("resumable_uploads_unfinished", GAUGE, "Resumable uploads under way", scraped=True),
    Metric(
        "resumable_upload_oldest_seconds", GAUGE, "Age of the oldest of those; 0 without any", scraped=True
    ),
    Metric(
        "idempotency_keys_in_use",
        GAUGE,
        "Idempotency keys that a request holds, or held when its process ended",
        scraped=True,
    ),
    Metric("active_connections", GAUGE, "Requests in progress"),
    Metric(
        "requests_waiting",
        GAUGE,
        "Requests that wait for a thread of the pool, or at SYNC_SOCKET; NaN where the kernel does not say",
        (one_of("role", "pool", "sync"),),
        scraped=True,
    ),
    Metric(
        "errors_total",
        COUNTER,
        "Operations that failed, by cause; refusals of access or rate are not among them",
        (_ERROR, _ENDPOINT),
        preset=(
            *product(_UPLOAD_ERRORS, words.UPLOAD_RULES),
            *product(_DOWNLOAD_ERRORS, words.DOWNLOAD_RULES),
        ),
    ),
    Metric(
        "authentication_failures_total",
        COUNTER,
        "Requests refused for their credentials",
        (one_of("failure_type", *words.AUTH_FAILURES.values()),),
        preset=tuple((failure,) for failure in words.AUTH_FAILURES.values()),
    ),
    Metric(
        "rate_limit_violations_total",
        COUNTER,
        "Requests refused for exceeding a rate limit",
        (_ENDPOINT,),
        preset=tuple((rule,) for rule in (*words.UPLOAD_RULES, *words.DOWNLOAD_RULES)),
    ),
    Metric(
        "rate_limit_degraded_workers",
        GAUGE,
        "Workers that count rate limits for their host alone because Redis does not answer",
    ),
    Metric(
        "proxy_setting_suspect_workers",
        GAUGE,
        "Workers that get most requests from one proxy that TRUSTED_PROXIES does not name",
    ),
    Metric("blocked_networks", GAUGE, "Networks whose requests are refused now", scraped=True),
    Metric("suspicious_uploads_total", COUNTER, "Uploads with a deceptive name or dangerous content"),
    Metric(
        "operations_total",
        COUNTER,
        "Everything done or refused: agrees with the audit log",
        (one_of("action", *words.ACTIONS), _STATUS),
        preset=tuple(product(words.ACTIONS[:-1], words.STATUSES)),
    ),
    Metric(
        "cache_requests_total",
        COUNTER,
        "Lookups in the metadata cache",
        (one_of("result", "hit", "miss"),),
        preset=(("hit",), ("miss",)),
    ),
    Metric(
        "operations_recovered_total",
        COUNTER,
        "Operations that a dead worker left open, closed as aborted; they are in no other metric",
    ),
    Metric(
        "worker_unclean_exits_total",
        COUNTER,
        "Processes that ended without finishing, each with at most as many uncounted operations as it has threads",
    ),
    Metric(
        "forwarded_headers_ignored_total",
        COUNTER,
        "Requests with a forwarding header from a peer that is no trusted proxy",
    ),
    Metric(
        "client_address_unreadable_total",
        COUNTER,
        "Requests whose client is `unknown`: a trusted proxy sent no address that can be read",
    ),
    Metric(
        "unknown_hosts_total",
        COUNTER,
        "Requests that name no host, or one that is none of the service's (ALLOWED_HOSTS)",
    ),
    Metric(
        "log_records_dropped_total",
        COUNTER,
        "Log lines that a sink did not take",
        (one_of("sink", "console", "file"),),
        preset=(("console",), ("file",)),
    ),
    Metric(
        "trace_spans_total",
        COUNTER,
        "Spans sent to the collector of traces, and spans that it did not take or that died with their process",
        (one_of("outcome", *words.SPAN_OUTCOMES),),
        preset=tuple((outcome,) for outcome in words.SPAN_OUTCOMES),
    ),
    Metric(
        "trace_spans_taken_total",
        COUNTER,
        "Spans made for the collector of traces; those that `trace_spans_total` does not have yet wait for it",
    ),
    Metric("metric_files_unreadable_total", COUNTER, "Metric files found unreadable, at a scrape or a start"),
    Metric("metric_updates_dropped_total", COUNTER, "Updates of series that found no room on the disk"),
    Metric(
        "flask_http_request_duration_seconds",
        HISTOGRAM,
        "Time from a request's first byte to its answer's last",
        (_METHOD, _RULE, _HTTP_STATUS),
        SECONDS,
    ),
    Metric(
        "flask_http_request_total",
        COUNTER,
        "HTTP requests answered",
        (_METHOD, _HTTP_STATUS),
        preset=tuple(product(("GET", "POST", "PUT", "DELETE"), ("200", "404", "429", "500", "503"))),
    ),
    Metric(
        "flask_http_request_exceptions_total",
        COUNTER,
        "HTTP requests that ended in an exception nobody foresaw",
        (_METHOD, _HTTP_STATUS),
        preset=tuple((method, "500") for method in words.METHODS),
    ),
    Metric(
        "flask_exporter_info",
        GAUGE,
        "The exporter in use",
        (Label("version", 1, "its version"),),
        scraped=True,
    ),
    Metric(
        "filewallball_build_info",
        GAUGE,
        "What runs; always 1",
        (Label("version", 1, "release"), Label("python_version", 1, "interpreter")),
        scraped=True,
    ),
)

"""CORS: the pages of other origins that may call the API from a browser, never with cookies, for there are none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask, Response

# What pages and their libraries send beside the headers that need no permission. None of these gives rights, except
# those that the service reads on purpose; forwarding headers, which say who asks, are not among them.
REQUEST_HEADERS = (
    # the service reads these
    *("Authorization", "Content-Digest", "Content-Type", "If-Match", "If-Modified-Since", "If-None-Match"),
    *(
        "Idempotency-Key",
        "If-Range",
        "If-Unmodified-Since",
        "Range",
        "Repr-Digest",
        "X-Delete-Token",
        "X-Request-ID",
    ),
    # fetch and XMLHttpRequest with caching, jQuery, axios, Angular, Dropzone, Uppy
    *(
        "Accept",
        "Accept-Language",
        "Cache-Control",
        "Content-Disposition",
        "Content-Language",
        "Expires",
        "Pragma",
    ),
    *(
        "Prefer",
        "Want-Content-Digest",
        "Want-Repr-Digest",
        "X-Client-Version",
        "X-CSRF-Token",
    ),
    *("X-Mime-Type", "X-Requested-With", "X-XSRF-TOKEN"),
    # tracing: W3C (OpenTelemetry), Zipkin, Sentry, Datadog, Elastic, New Relic, Jaeger, AWS
    *("traceparent", "tracestate", "baggage", "b3", "X-B3-TraceId", "X-B3-SpanId", "X-B3-ParentSpanId"),
    *("X-B3-Sampled", "X-B3-Flags", "sentry-trace", "X-Datadog-Origin", "X-Datadog-Parent-Id"),
    *(
        "X-Datadog-Sampling-Priority",
        "X-Datadog-Tags",
        "X-Datadog-Trace-Id",
        "elastic-apm-traceparent",
        "newrelic",
    ),
    *("uber-trace-id", "X-Amzn-Trace-Id", "X-Correlation-ID"),
    # resumable uploads: tus-js-client, the IETF's draft
    *(
        "Tus-Resumable",
        "X-HTTP-Method-Override",
        "Upload-Checksum",
        "Upload-Complete",
        "Upload-Concat",
        "Upload-Defer-Length",
    ),
    *("Upload-Draft-Interop-Version", "Upload-Length", "Upload-Metadata", "Upload-Offset"),
)
# What a page may read of an answer beyond what it always may (Cache-Control, Content-Length, Last-Modified, …).
ANSWER_HEADERS = (
    *(
        "Accept-Ranges",
        "Allow",
        "Content-Disposition",
        "Content-Length",
        "Content-Range",
        "Date",
        "ETag",
        "Idempotency-Replayed",
        "Location",
    ),
    *("RateLimit", "RateLimit-Limit", "RateLimit-Policy", "RateLimit-Remaining", "RateLimit-Reset"),
    *("Repr-Digest", "Retry-After", "Vary", "WWW-Authenticate", "X-Request-ID", "traceresponse"),
    # resumable uploads
    *("Tus-Checksum-Algorithm", "Tus-Extension", "Tus-Max-Size", "Tus-Resumable", "Tus-Version"),
    *("Upload-Concat", "Upload-Defer-Length", "Upload-Expires", "Upload-Length", "Upload-Metadata"),
    *("Upload-Offset", "X-Delete-Token", "X-File-Id", "X-File-Url"),
)
_PREFLIGHT_SECONDS = "600"
Headers = list[tuple[str, str]]


def headers_for(origins: Sequence[str], origin: str) -> Headers:
    """The headers of an answer to a page of this origin, which may be unknown (empty) where a request was unreadable:
    then the one origin that is allowed is named, and the browser compares."""
    if not origins:
        return []
    if "*" in origins:
        return [("Access-Control-Allow-Origin", "*"), _exposed()]
    if not origin and len(origins) == 1:
        origin = origins[0]
    if origin.lower() not in origins:
        return [("Vary", "Origin")]
    return [("Vary", "Origin"), ("Access-Control-Allow-Origin", origin), _exposed()]


def allow_origins(app: "Flask", origins: Sequence[str]) -> None:
    """Let pages of these origins call the API."""
    if not origins:
        return
    from flask import request  # not for commands, which read the names of headers

    @app.after_request
    def answer(response: "Response") -> "Response":
        origin = request.headers.get("Origin", "")
        if "*" not in origins:
            response.headers.add("Vary", "Origin")
        if not origin or not ("*" in origins or origin.lower() in origins):
            return response
        for name, value in headers_for(origins, origin):
            if name != "Vary":
                response.headers[name] = value
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            del response.headers["Access-Control-Expose-Headers"]
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
            response.headers["Access-Control-Allow-Headers"] = ", ".join(REQUEST_HEADERS)
            response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
        return response


def _exposed() -> tuple[str, str]:
    return "Access-Control-Expose-Headers", ", ".join(ANSWER_HEADERS)

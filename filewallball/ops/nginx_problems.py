"""nginx's own errors in the service's words: the same problem+json, the same codes, and the same record."""

import re
from collections.abc import Iterator, Sequence

from filewallball import errors
from filewallball.web.cors import ANSWER_HEADERS

# What nginx answers by itself -> the code of the catalogue that means the same, and what to say beside it.
_OWN = {
    400: ("bad_request", "The request could not be read."),
    403: ("forbidden", ""),
    404: ("not_found", ""),
    405: ("method_not_allowed", ""),
    413: ("request_too_large", "The request is larger than any file may be."),
    414: ("address_too_long", "The address is too long."),
    416: ("range_not_satisfiable", ""),
    429: ("rate_limited", ""),
    431: ("headers_too_large", "The headers are too large."),
    502: ("unavailable", "The service does not answer."),
    503: ("unavailable", "nginx cannot take the request in; the disk that it keeps bodies on may be full."),
    504: ("unavailable", "The service did not answer in time."),
    507: ("storage_full", ""),
}
# What becomes something else: nginx's private numbers, what the catalogue has no code for, and its 500, which says
# that it could not keep a body.
_TURNED = {494: 431, 495: 400, 496: 400, 497: 400, 501: 400, 505: 400, 500: 503}
RECORDED = (400, 403, 405, 413, 414, 429, 431, 503)
"""Statuses of requests that the service never sees: it is told of them, and renders their answers."""
_KINDS = {kind.code: kind for kind in errors.catalogue()}
# The service is asked for no more than a few words; where it does not answer nginx says them itself.
# The error log has whole request lines, and no format takes anything out of them.
SILENT = "error_log /dev/null emerg;"
_ASK = (
    "internal;",
    SILENT,
    "proxy_pass_request_headers off;",
    "proxy_pass_request_body off;",
    "proxy_connect_timeout 2s;",
    "proxy_read_timeout 5s;",
    'proxy_set_header Connection "";',
    'proxy_set_header Content-Length "";',
    "proxy_set_header Host 127.0.0.1;",
    "proxy_set_header X-Forwarded-For $remote_addr;",
    "proxy_set_header X-Forwarded-Proto $scheme;",
    "proxy_set_header X-Request-ID req_$request_id;",
    "proxy_set_header traceparent $http_traceparent;",
    "proxy_set_header X-Refused-Method $filewallball_method;",
    "proxy_set_header X-Refused-Path $filewallball_path;",
    "proxy_set_header User-Agent $filewallball_agent;",
    "proxy_set_header Origin $http_origin;",
)


def as_error(status: int) -> errors.ApiError:
    """The catalogue's error for a status of nginx's own."""
    code, detail = _OWN[status]
    return _KINDS[code](detail)


def is_own(status: object) -> bool:
    """True if nginx answers with this status by itself."""
    return status in _OWN


def maps() -> Iterator[str]:
    """Maps from a status to the members of its problem."""
    titles = {code: kind.title for code, kind in _KINDS.items()}
    for name, default, values in (
        ("code", "internal_error", {status: code for status, (code, _) in _OWN.items()}),
        ("title", titles["internal_error"], {status: titles[code] for status, (code, _) in _OWN.items()}),
        ("detail", "", {status: text or titles[code] for status, (code, text) in _OWN.items()}),
        ("retry", '""', dict.fromkeys((429, 502, 503, 504), '"5"')),
    ):
        yield f"map $status $filewallball_problem_{name} {{"
        yield f"    default {_quoted(default)};"
        yield from (f"    {status} {_quoted(value)};" for status, value in values.items())
        yield "}"


def origins(allowed: Sequence[str]) -> Iterator[str]:
    """The map from the Origin of a request, which is unknown where its head was too large, to the one to name."""
    if not allowed or "*" in allowed:
        return
    yield "map $http_origin $filewallball_origin {"
    yield '    default "";'
    if len(allowed) == 1:
        yield f'    "" "{allowed[0]}";'
    # As expressions: nginx has no room for long names otherwise.
    yield from (f'    "~*^{re.escape(origin)}$" $http_origin;' for origin in allowed)
    yield "}"


def cors_headers(allowed: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The lines that let a page of an allowed origin read nginx's own answers."""
    if not allowed:
        return
    is_open = "*" in allowed
    yield "Access-Control-Allow-Origin", '"*"' if is_open else "$filewallball_origin"
    yield "Access-Control-Expose-Headers", _quoted(", ".join(ANSWER_HEADERS))
    if not is_open:
        yield "Vary", "Origin"


def pages() -> Iterator[str]:
    """The lines that send a server block's own errors to the service, or to the page that stands in for it."""
    yield "recursive_error_pages on;"
    yield f"error_page {' '.join(str(status) for status in _OWN if status not in RECORDED)} /_problem;"
    for own, status in ({status: status for status in RECORDED} | _TURNED).items():
        yield f"error_page {own} = /_refused/{status};"


def locations(transport_security: str) -> Iterator[str]:
    """The locations in which the service records a refusal and words the answer.

    `transport_security` is the value of the header of that name, which holds for nginx's TLS; empty without.
    """
    yield "# What nginx refuses by itself the service puts on record; nginx alone can ask for that."
    yield "location /_refused/ {"
    yield from (f"    {line}" for line in _ASK)
    if transport_security:
        yield "    proxy_hide_header Strict-Transport-Security;"
        yield f'    add_header Strict-Transport-Security "{transport_security}" always;'
    for status in RECORDED:
        yield f"    location = /_refused/{status} {{"
        yield "        error_page 404 /_problem;"
        yield f"        error_page 502 504 ={status} /_problem;"
        yield "        proxy_pass http://filewallball;"
        yield "    }"
    yield "}"


def _quoted(text: str) -> str:
    return text if text.startswith('"') else f'"{text}"'

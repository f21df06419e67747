"""nginx's own errors in the service's words: the same problem+json, the same codes."""

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
# What becomes something else: nginx's private numbers, and its 500, which says that it could not keep a body.
_TURNED = {494: 431, 495: 400, 496: 400, 497: 400, 500: 503}


def maps() -> Iterator[str]:
    """Maps from a status to the members of its problem."""
    titles = {kind.code: kind.title for kind in errors.catalogue()}
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
    """What lets a page of an allowed origin read nginx's own answers."""
    if not allowed:
        return
    is_open = "*" in allowed
    yield "Access-Control-Allow-Origin", '"*"' if is_open else "$filewallball_origin"
    yield "Access-Control-Expose-Headers", _quoted(", ".join(ANSWER_HEADERS))
    if not is_open:
        yield "Vary", "Origin"


def pages() -> Iterator[str]:
    """The lines that send a server block's own errors to the problem pages."""
    yield f"error_page {' '.join(map(str, _OWN))} /_problem;"
    for own, status in _TURNED.items():
        yield f"error_page {own} ={status} /_problem;"


def _quoted(text: str) -> str:
    return text if text.startswith('"') else f'"{text}"'

"""The headers that every answer carries unless its route sets its own, and CORS where it is configured."""

from collections.abc import Callable, Sequence

from flask import Flask, Response, request

Headers = list[tuple[str, str]]
_ALWAYS = (
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
_OVER_HTTPS = (("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),)
_REQUEST_HEADERS = (
    "Authorization, Content-Digest, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, Range, "
    "Repr-Digest, X-Delete-Token"
)
_ANSWER_HEADERS = (
    "Content-Disposition, Content-Range, ETag, RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, "
    "RateLimit-Reset, Repr-Digest, Retry-After, X-Request-ID"
)
_PREFLIGHT_SECONDS = "600"


def completion(public_url: str) -> Callable[[Headers], Headers]:
    """Make a function that adds to an answer's headers those of the always-sent ones that it lacks."""
    wanted = _ALWAYS + (_OVER_HTTPS if public_url.startswith("https://") else ())

    def complete(headers: Headers) -> Headers:
        present = {name for name, _ in headers}
        return [*headers, *[pair for pair in wanted if pair[0] not in present]]

    return complete


def allow_origins(app: Flask, origins: Sequence[str]) -> None:
    """Let pages of these origins call the API from a browser; never with cookies, for there are none."""
    if not origins:
        return

    @app.after_request
    def answer(response: Response) -> Response:
        anybody = "*" in origins
        if not anybody:
            response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin", "")
        if not origin or not (anybody or origin.lower() in origins):
            return response
        response.headers["Access-Control-Allow-Origin"] = "*" if anybody else origin
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
            response.headers["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
            response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
        else:
            response.headers["Access-Control-Expose-Headers"] = _ANSWER_HEADERS
        return response

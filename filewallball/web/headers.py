"""The headers that every answer carries unless its route sets its own."""

from collections.abc import Callable

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


def completion(public_url: str) -> Callable[[Headers], Headers]:
    """Make a function that adds to an answer's headers those of the always-sent ones that it lacks."""
    wanted = _ALWAYS + (_OVER_HTTPS if public_url.startswith("https://") else ())

    def complete(headers: Headers) -> Headers:
        present = {name for name, _ in headers}
        return [*headers, *[pair for pair in wanted if pair[0] not in present]]

    return complete

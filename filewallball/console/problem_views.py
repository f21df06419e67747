"""Pages for people whose browser asked for a file that it cannot have. Programs get the problem itself."""

from urllib.parse import quote

from flask import Response, render_template, request

from filewallball.console.texts import LANGUAGES, kind_of, text_of, words_of
from filewallball.console.views import POLICY, files_address, relative
from filewallball.errors import ApiError

_RULES = frozenset(
    (
        "/download/<file_id>",
        "/view/<file_id>",
        "/s/<link_id>/<secret>",
        "/s/<link_id>/<secret>/view",
        "/t/<ticket>",
        "/t/<ticket>/view",
    )
)
_TRIED_AGAIN = ("fault", "rate_limited", "scan_pending")


def wants_page() -> bool:
    """True if the present request asks for a file by an address that people follow, and would rather read a page."""
    rule, accepted = request.url_rule, request.accept_mimetypes
    return (
        rule is not None
        and rule.rule in _RULES
        and request.method in ("GET", "HEAD")
        and accepted["text/html"] > accepted["application/json"]
    )


def page_of(cause: ApiError, request_id: str) -> Response | None:
    """The page that says the same as the problem, or None for who is better served with the problem."""
    if not wants_page():
        return None
    language = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    kind = kind_of(cause.code, cause.status)
    said = text_of(kind, language)
    page = render_template(
        "problem.html",
        language=language,
        kind=kind,
        title=said.title,
        text=said.text.format(seconds=cause.headers.get("Retry-After", "60")),
        words=words_of(language),
        files=files_address(),
        start=relative("console/"),
        console=_console_address(kind),
        is_tried_again=kind in _TRIED_AGAIN,
        unlock=_unlock_address() if kind in ("password", "confirm") else "",
        tickets=relative("t/"),
        request_id=request_id,
    )
    response = Response(page, cause.status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Vary"] = "Accept, Accept-Language"
    return response


def _console_address(kind: str) -> str:
    """The file's own view in the console where signing in may help."""
    file_id = (request.view_args or {}).get("file_id", "")
    leads_to_file = kind in ("missing", "auth") and file_id
    return relative(f"console/files/{quote(file_id, safe='')}" if leads_to_file else "console/")


def _unlock_address() -> str:
    return relative(f"{request.path.removesuffix('/view')[1:]}/unlock")

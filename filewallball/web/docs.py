"""`/docs`: the API described and tried out in a browser, and every error explained, without any other host."""

import re
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, render_template, send_from_directory
from markupsafe import Markup, escape

from filewallball.errors import catalogue
from filewallball.web.details import ADVICE

_SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
# Swagger UI styles its own elements and draws icons from data URLs; scripts come from here alone.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

blueprint = Blueprint(
    "docs",
    __name__,
    url_prefix="/docs",
    static_folder="static",
    static_url_path="/static",
    template_folder="templates",
)


@blueprint.get("")
def index() -> str:
    """The API, with a form for every route."""
    return render_template("docs.html")


@blueprint.get("/errors")
def errors() -> str:
    """Every error code: status, meaning, whose fault, when to try again, what to do."""
    advice = {code: _with_code(text) for code, text in ADVICE.items()}
    return render_template("errors.html", errors=list(catalogue()), advice=advice)


@blueprint.get("/swagger-ui/<path:name>")
def swagger_ui(name: str) -> Response:
    """Swagger UI's own files, as its package ships them."""
    return send_from_directory(_SWAGGER_UI, name, max_age=86400)


@blueprint.after_request
def restrict(response: Response) -> Response:
    """Forbid content from elsewhere, and framing."""
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _with_code(text: str) -> Markup:
    """`text` as HTML, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped

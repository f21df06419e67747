"""`/console/`: one page for every address below it, and the files that it loads."""

from functools import lru_cache

from flask import Blueprint, Response, request

from filewallball import errors
from filewallball.console.assets import Asset, read_assets

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FOR_EVER = "public, max-age=31536000, immutable"

blueprint = Blueprint("console", __name__, url_prefix="/console", template_folder="templates")


@blueprint.get("/")
@blueprint.get("/<path:page>")
def index(page: str = "") -> Response:
    """The page itself; the browser takes the view from the address."""
    response = _sent(_index(files_address(), relative("docs")))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-cache"
    return response


def files_address() -> str:
    """The address below which the files of this version lie."""
    return relative(f"console/assets/{read_assets().version}/")


def relative(path: str) -> str:
    """A path of the service as the present page names it: it holds wherever a proxy puts the service."""
    target = request.environ.get("RAW_URI") or request.path  # as the browser counts, for which %2F is no step
    return "../" * (target.partition("?")[0].count("/") - 1) + path


@blueprint.get("/assets/<version>/<path:name>")
def asset(version: str, name: str) -> Response:
    """A file of the page. Raises NotFound for those of another version, which would not fit together."""
    assets = read_assets()
    if version != assets.version or name not in assets.files:
        raise errors.NotFound
    response = _sent(assets.files[name])
    response.headers["Cache-Control"] = _FOR_EVER
    return response


@lru_cache(maxsize=16)
def _index(files: str, docs: str) -> Asset:
    page = read_assets().files["index.html"]
    content = page.content.replace(b"{{ files }}", files.encode()).replace(b"{{ docs }}", docs.encode())
    return Asset(content, page.media_type)


def _sent(file: Asset) -> Response:
    accepts = request.accept_encodings["gzip"] > 0
    response = Response(file.compressed if accepts else file.content, content_type=file.media_type)
    if accepts:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response

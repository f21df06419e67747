"""The Flask application with its extensions and every route: what answers requests, and knows the routes' names."""

from filewallball.access.screening import screen
from filewallball.assembly.routes import register_routes
from filewallball.console.problem_views import page_of
from filewallball.database.tables import bind as bind_database
from filewallball.installation import __version__
from filewallball.registry import Registry, attach
from filewallball.web import problems
from filewallball.web.api import api
from filewallball.web.app import Application
from filewallball.web.openapi import Promises
from filewallball.web.request_body import SMALL_BYTES


def provide(registry: Registry) -> None:
    """The application over the registry's parts."""
    app = Application("filewallball", static_folder=None)
    attach(app, registry)
    registry.provide(app)
    app.screen = screen
    _configure(app)
    bind_database(app)
    api.init_app(app, spec_kwargs={"extra_plugins": [Promises(app.view_functions)]})
    register_routes(app)
    problems.init_app(app, page_of)


def _configure(app: Application) -> None:
    app.config.update(
        API_TITLE="FileWallBall",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_FORM_MEMORY_SIZE=SMALL_BYTES,
        MAX_CONTENT_LENGTH=SMALL_BYTES,  # uploads lift it for themselves
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]

"""The Flask application with its extensions and every route: what answers requests, and knows the routes' names."""

from filewallball.access import views as access_views
from filewallball.access.screening import screen
from filewallball.access.unrecorded import limit_unrecorded
from filewallball.alerts import runbook_views
from filewallball.alerts import views as alert_views
from filewallball.audit import views as audit_views
from filewallball.console import views as console_views
from filewallball.console.problem_views import page_of
from filewallball.database.tables import bind as bind_database
from filewallball.files import history_views, quarantine_views
from filewallball.files import views as file_views
from filewallball.files.resumable import views as resumable_views
from filewallball.health import history_views as health_history_views
from filewallball.health import views as health_views
from filewallball.installation import __version__
from filewallball.links import shared_views as shared_link_views
from filewallball.links import views as link_views
from filewallball.refusals import views as refusal_views
from filewallball.registry import Registry, attach
from filewallball.stats import views as stats_views
from filewallball.web import console_settings, docs, problems, start
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


def register_routes(app: Application) -> None:
    """The routes of every feature."""
    for blueprint in (
        file_views.blueprint,
        history_views.blueprint,
        resumable_views.blueprint,
        link_views.blueprint,
        shared_link_views.blueprint,
        audit_views.blueprint,
        health_views.blueprint,
        health_history_views.blueprint,
        access_views.blueprint,
        stats_views.blueprint,
        quarantine_views.blueprint,
        alert_views.blueprint,
        console_settings.blueprint,
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(docs.blueprint)
    app.register_blueprint(runbook_views.blueprint)
    app.register_blueprint(start.blueprint)
    app.register_blueprint(console_views.blueprint)
    app.register_blueprint(refusal_views.blueprint)
    limit_unrecorded(app)

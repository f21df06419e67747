"""The routes of every feature."""

from flask import Flask

from filewallball.access import views as access_views
from filewallball.access.unrecorded import limit_unrecorded
from filewallball.alerts import runbook_views
from filewallball.alerts import views as alert_views
from filewallball.audit import views as audit_views
from filewallball.console import views as console_views
from filewallball.files import history_views, quarantine_views
from filewallball.files import views as file_views
from filewallball.files.resumable import views as resumable_views
from filewallball.health import history_views as health_history_views
from filewallball.health import views as health_views
from filewallball.links import shared_views as shared_link_views
from filewallball.links import views as link_views
from filewallball.refusals import views as refusal_views
from filewallball.stats import views as stats_views
from filewallball.web import console_settings, docs, start
from filewallball.web.api import api


def register_routes(app: Flask) -> None:
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

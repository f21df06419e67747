"""FileWallBall: a file service whose every operation can be seen, counted and proven."""

from importlib.metadata import PackageNotFoundError, version

from flask import Flask

from filewallball.config import Settings, load_settings

try:
    __version__ = version("filewallball")
except PackageNotFoundError:
    __version__ = "unknown"


def create_app(settings: Settings | None = None) -> Flask:
    """Build the service. Raises ConfigError for bad settings; touches the disk, never the database."""
    from filewallball import steps
    from filewallball.web.app import Application

    settings = settings or load_settings()
    app = Application("filewallball", static_folder=None)
    steps.configure(app, settings)
    steps.bind_extensions(app)
    steps.build_runtime(app, settings)
    steps.watch_health(app, settings)
    steps.register_routes(app)
    steps.render_errors(app)
    steps.observe(app, settings)
    return app

"""FileWallBall: a file service whose every operation can be seen, counted and proven."""

from importlib.metadata import PackageNotFoundError, version

from flask import Flask

from filewallball.settings.service import Settings, load_settings

try:
    __version__ = version("filewallball")
except PackageNotFoundError:
    __version__ = "unknown"


def create_app(settings: Settings | None = None) -> Flask:
    """Build the service. Raises ConfigError for bad settings; touches the disk, never the database."""
    from filewallball import factory
    from filewallball.web.app import Application

    settings = settings or load_settings()
    app = Application("filewallball", static_folder=None)
    factory.configure(app, settings)
    factory.bind_extensions(app)
    factory.build_runtime(app, settings)
    factory.watch_health(app, settings)
    factory.register_routes(app)
    factory.render_errors(app)
    factory.observe(app, settings)
    return app

"""FileWallBall: a file service whose every operation can be seen, counted and proven."""

from flask import Flask

from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Build the service. Raises ConfigError for bad settings; touches the disk, never the database."""
    from filewallball.factory import build

    return build(settings or load_settings())

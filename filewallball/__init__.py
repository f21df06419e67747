"""FileWallBall: a file service whose every operation can be seen, counted and proven."""

from typing import TYPE_CHECKING

from filewallball.imports import collector_paused, telemetry_hidden

if TYPE_CHECKING:
    from flask import Flask

    from filewallball.registry import Registry
    from filewallball.settings.service import Settings


def open_service(settings: "Settings") -> "Registry":
    """The parts of the service, each made when it is first asked for; touches the disk, never the database."""
    from filewallball import assembly

    return assembly.open_service(settings)


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Build the service. Raises ConfigError for bad settings; touches the disk, never the database."""
    with collector_paused(), telemetry_hidden():
        from filewallball.factory import build
        from filewallball.settings.loading import load_settings

        return build(settings or load_settings())

"""The app of the access tests serves here too."""

from tests.access.conftest import build

__all__ = ["build"]

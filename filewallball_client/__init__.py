"""The client of a FileWallBall service: the class `Client`, and the command `fwb`."""

import importlib
from typing import TYPE_CHECKING

from filewallball_client.version import __version__

if TYPE_CHECKING:
    from filewallball_client.client import Client
    from filewallball_client.errors import (
        ClientError,
        DigestMismatch,
        LocalError,
        OutcomeUnknown,
        Problem,
        Refused,
        SettingsError,
        Unreachable,
    )
    from filewallball_client.records import StoredFile, UploadedFile

__all__ = [
    "Client",
    "ClientError",
    "DigestMismatch",
    "LocalError",
    "OutcomeUnknown",
    "Problem",
    "Refused",
    "SettingsError",
    "StoredFile",
    "Unreachable",
    "UploadedFile",
    "__version__",
]
_MODULES = {"Client": "client", "StoredFile": "records", "UploadedFile": "records"}


def __getattr__(name: str) -> object:
    """Load what is asked for only then: httpx takes a while, and `fwb` must hear Ctrl-C before."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)

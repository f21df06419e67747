"""The client of a FileWallBall service: the class `Client`, and the command `fwb`."""

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
from filewallball_client.version import __version__

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

"""The standard streams of a command: open whatever the caller closed, and able to write any text."""

import io
import os
import sys

from filewallball.filesystem import occupy_standard_descriptors


def prepare_streams() -> None:
    """Open those that are closed, or a file of the service would get their numbers; never fail for a letter that the
    locale's encoding lacks."""
    occupy_standard_descriptors()
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not writes_all(stream):
            stream.reconfigure(errors="backslashreplace")


def writes_all(stream: object) -> bool:
    """True if the stream's encoding has every letter."""
    return str(getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"

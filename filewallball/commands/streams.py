"""The standard streams of a command: open whatever the caller closed, and able to write any text."""

import io
import os
import sys


def prepare_streams() -> None:
    """Open those that are closed, or a file of the service would get their numbers; never fail for a letter that the
    locale's encoding lacks."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not writes_all(stream):
            stream.reconfigure(errors="backslashreplace")


def writes_all(stream: object) -> bool:
    """True if the stream's encoding has every letter."""
    return str(getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"

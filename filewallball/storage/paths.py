"""Paths of blobs: `00000001/<sha256>.<random>`, and `ab/cd/<sha256>.<random>` as earlier releases published them.

Both are valid for ever: a blob stays where it was published, and its row has the path.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from filewallball.storage.folders import entries

NUMBERED = re.compile(r"[0-9]{8}")
"""The name of a folder that is filled with blobs as they come."""
_FAN_OUT = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}")
_PATH = re.compile(
    r"(?:([0-9]{8})|([0-9a-f]{2})/([0-9a-f]{2}))/((?(2)\2\3[0-9a-f]{60}|[0-9a-f]{64})\.[0-9a-f]{16})"
)


def split(path: str) -> tuple[tuple[str, ...], str]:
    """The folders of a blob, from the outermost, and its file's name. Raises ValueError."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError(f"not a blob path: {path!r}")
    numbered, first, second, name = match.groups()
    return ((numbered,) if numbered else (first, second)), name


def blob_paths(root: Path) -> Iterator[str]:
    """The path of every blob file below `root`, in no order; links and foreign names are passed over."""
    for folder in _folders(root):
        for name in entries(root / folder, _NAME, files=True):
            yield f"{folder}/{name}"


def _folders(root: Path) -> Iterator[str]:
    yield from entries(root, NUMBERED)
    for first in entries(root, _FAN_OUT):
        for second in entries(root / first, _FAN_OUT):
            yield f"{first}/{second}"

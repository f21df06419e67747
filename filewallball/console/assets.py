"""The static files of the console, read once a process, compressed, and named by one hash of them all."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.content, 9, mtime=0)


@dataclass(frozen=True, slots=True)
class Assets:
    """All files by their path, and a version that changes with any of them.

    The version is part of every address, so a file may be kept for ever, and all that one page loads fit together.
    """

    files: Mapping[str, Asset]
    version: str


@cache
def read_assets() -> Assets:
    """Read what the package ships."""
    found = {
        str(path.relative_to(_FOLDER)): Asset(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in sorted(_FOLDER.rglob("*"))
        if path.is_file()
    }
    digest = hashlib.sha256()
    for name, asset in found.items():
        digest.update(f"{name}\0{len(asset.content)}\0".encode())
        digest.update(asset.content)
    return Assets(found, digest.hexdigest()[:16])

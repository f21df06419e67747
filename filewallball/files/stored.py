"""A file's metadata as the API shows it."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from filewallball.files.inspection.labels import mislabelling
from filewallball.files.lookup import SHOWN
from filewallball.files.rows import FoundFile, NewFile
from filewallball.files.tables import QUARANTINED
from filewallball.files.thumbnails import SOURCES

_shown = attrgetter(*SHOWN)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's metadata as the API shows it."""

    file_id: str
    filename: str
    file_size: int
    mime_type: str
    claimed_type: str
    file_hash: str
    visibility: str
    description: str
    upload_us: int
    expires_us: int | None
    state: str
    base_url: str
    is_duplicate: bool = False
    quarantine_reasons: tuple[str, ...] = ()
    delete_token: str | None = None
    ignored_fields: tuple[str, ...] = ()
    owner: str | None = None

    @property
    def is_quarantined(self) -> bool:
        return self.state == QUARANTINED

    @property
    def is_mislabelled(self) -> bool:
        return bool(mislabelling(self.filename, self.claimed_type, self.mime_type))

    @property
    def location(self) -> str:
        """The address of the file's description."""
        return location_of(self.base_url, self.file_id)

    @property
    def download_url(self) -> str:
        return f"{self.base_url}/download/{self.file_id}"

    @property
    def view_url(self) -> str:
        return f"{self.base_url}/view/{self.file_id}"

    @property
    def thumbnail_url(self) -> str | None:
        return f"{self.base_url}/thumbnail/{self.file_id}" if self.mime_type in SOURCES else None


def location_of(base_url: str, file_id: str) -> str:
    """The address of a file's description."""
    return f"{base_url}/files/{file_id}"


def shown(file: FoundFile | NewFile | Row[Any], base_url: str, **more: Any) -> StoredFile:
    """A new file, one that was looked up or one of a list, as the API shows it; `more` is not among its columns."""
    return StoredFile(**dict(zip(SHOWN, _shown(file), strict=True)), base_url=base_url, **more)

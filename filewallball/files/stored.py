"""A file's metadata as the API shows it."""

from dataclasses import dataclass

from filewallball.files.tables import QUARANTINED
from filewallball.files.thumbnails import SOURCES


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

    @property
    def is_quarantined(self) -> bool:
        return self.state == QUARANTINED

    @property
    def download_url(self) -> str:
        return f"{self.base_url}/download/{self.file_id}"

    @property
    def view_url(self) -> str:
        return f"{self.base_url}/view/{self.file_id}"

    @property
    def thumbnail_url(self) -> str | None:
        return f"{self.base_url}/thumbnail/{self.file_id}" if self.mime_type in SOURCES else None

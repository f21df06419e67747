"""A row of the table of files: a new one, and one that was looked up together with its blob."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """The columns of a file that is about to be inserted; only its blob is not known yet.

    Without slots: `vars` of it are the parameters of the INSERT.
    """

    file_id: str
    state: str
    visibility: str
    filename: str
    name_folded: str
    description: str
    file_size: int
    mime_type: str
    claimed_type: str
    file_hash: str
    owner_id: int
    delete_digest: str
    client_ip: str
    principal: str
    suspicion: str
    upload_us: int
    expires_us: int | None


class FoundFile(NamedTuple):
    """A file and its blob's path and state, in the order of the columns that `lookup.FIND` selects.

    A tuple, because nearly every request makes one. Once a file has ended its blob may be gone: then the last three
    are NULL, and nobody reads them.
    """

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
    owner_id: int
    delete_digest: str
    blob_id: int
    path: str
    scan_state: str
    damaged_us: int | None

"""The service's answers about files, as typed records."""

import re
from dataclasses import dataclass
from types import UnionType
from typing import Any, Self, get_origin, get_type_hints

from filewallball_client.errors import Unreachable

_FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the service keeps. Sizes are bytes, times RFC 3339, `file_hash` is the SHA-256 in hexadecimal."""

    file_id: str
    filename: str
    file_size: int
    mime_type: str
    file_hash: str
    visibility: str
    download_url: str
    view_url: str
    upload_time: str
    expires_at: str | None = None
    thumbnail_url: str | None = None
    claimed_type: str = ""
    description: str = ""
    is_mislabelled: bool = False
    is_quarantined: bool = False

    @classmethod
    def from_answer(cls, answer: Any, base_url: str) -> Self:
        """The record in an answer; fields that this version does not know are passed over.

        Addresses that are paths are completed by `base_url`. Raises Unreachable for an answer that is no file's.
        """
        if not isinstance(answer, dict):
            raise _foreign()
        values: dict[str, Any] = {}
        for name, hint in get_type_hints(cls).items():
            if name in answer:
                value = _completed(answer[name], base_url) if name.endswith("_url") else answer[name]
                values[name] = tuple(value) if isinstance(value, list) else value
                if not isinstance(
                    values[name], hint if isinstance(hint, UnionType) else get_origin(hint) or hint
                ):
                    raise _foreign()
        try:
            record = cls(**values)
        except TypeError as error:
            raise _foreign() from error
        if not (_FILE_ID.fullmatch(record.file_id) and _SHA256.fullmatch(record.file_hash)):
            raise _foreign()  # both become part of a file's name here
        return record


@dataclass(frozen=True, slots=True)
class UploadedFile(StoredFile):
    """The answer to an upload. `delete_token` is given once, to callers without a token."""

    is_duplicate: bool = False
    quarantine_reasons: tuple[str, ...] = ()
    delete_token: str | None = None


def page_of(answer: Any, base_url: str) -> tuple[list[StoredFile], str | None]:
    """The files of one page of a list, and where the next begins. Raises Unreachable for an answer that is none."""
    try:
        files, cursor = answer["files"], answer["next_cursor"]
    except (KeyError, TypeError) as error:
        raise _foreign() from error
    if not isinstance(files, list) or not isinstance(cursor, str | None):
        raise _foreign()
    return [StoredFile.from_answer(each, base_url) for each in files], cursor


def _completed(url: Any, base_url: str) -> Any:
    return f"{base_url}{url}" if isinstance(url, str) and url.startswith("/") else url


def _foreign() -> Unreachable:
    return Unreachable("The answer does not come from a FileWallBall service.")

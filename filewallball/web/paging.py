"""Opaque page cursors over (time, id) descending: equally fast at any depth."""

import base64
import binascii
import struct

from filewallball import errors


def encode(microseconds: int, row_id: int) -> str:
    """The cursor that leads on after this row."""
    return base64.urlsafe_b64encode(struct.pack(">qq", microseconds, row_id)).decode().rstrip("=")


def decode(cursor: str) -> tuple[int, int]:
    """(microseconds, id) of the last row seen. Raises ValidationFailed for anything that `encode` did not make."""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        moment, row_id = struct.unpack(">qq", data)
    except (binascii.Error, ValueError, struct.error) as error:
        raise errors.ValidationFailed(errors={"cursor": ["Not a cursor of this service."]}) from error
    return moment, row_id

"""The right to see and delete a file. A private one: its owner, an administrator, or the holder of its delete token."""

import hashlib
import hmac
from typing import Any

from sqlalchemy import Row

from filewallball import errors, permissions
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.lookup import find_file
from filewallball.files.rows import FoundFile
from filewallball.files.tables import DELETED, EXPIRED, PRIVATE, QUARANTINED
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Operation


def find_visible(
    database: Database, op: Operation, file_id: str, delete_token: str = "", *, quarantined: bool = False
) -> FoundFile:
    """The kept file that the caller may know of, as the database has it now."""
    return check_visible(op, find_file(database, file_id), delete_token, quarantined=quarantined)


def check_visible(
    op: Operation,
    row: FoundFile | None,
    delete_token: str = "",
    *,
    quarantined: bool = False,
    is_shared: bool = False,
) -> FoundFile:
    """Refuse what the caller may not know of: a foreign private file does not exist for them, on record it does."""
    if row is not None:
        op.note(file_type=row.mime_type, details={"filename": row.filename})
    if row is None or row.state == DELETED:
        raise errors.NotFound
    may_know = is_shared or owns(op.caller, row) or holds_token(delete_token, row)
    if row.visibility == PRIVATE and not may_know:
        raise errors.NotFound
    if row.state == EXPIRED or (row.expires_us is not None and row.expires_us <= now_us()):
        raise errors.Expired
    if row.state == QUARANTINED and not quarantined:
        raise errors.Quarantined
    return row


def owns(caller: Caller, row: FoundFile | Row[Any]) -> bool:
    """True if the file is the caller's, or the caller may act on any file."""
    return caller.may(permissions.ANY_FILE) or (not caller.is_anonymous and caller.user_id == row.owner_id)


def holds_token(delete_token: str, row: FoundFile) -> bool:
    """True if this is the token that the answer to an anonymous upload gave."""
    return bool(delete_token and row.delete_digest) and hmac.compare_digest(
        token_digest(delete_token), row.delete_digest
    )


def no_right_to_delete(caller: Caller, delete_token: str) -> errors.ApiError:
    """The refusal that tells the caller what would help."""
    if delete_token:
        return errors.Forbidden("The X-Delete-Token is not this file's.")
    if caller.is_anonymous:
        return errors.AuthMissing("Send the X-Delete-Token from the upload's answer, or the owner's token.")
    return errors.Forbidden("The file is somebody else's.")


def no_right_to_update(caller: Caller) -> errors.ApiError:
    """The refusal of a change: the delete token of an anonymous upload gives no right to it."""
    if caller.is_anonymous:
        return errors.AuthMissing("Only its owner and administrators may: send a token.")
    return errors.Forbidden("The file is somebody else's.")


def token_digest(token: str) -> str:
    """The stored form of a delete token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()

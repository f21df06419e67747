"""Who may see a private file and delete a file: its owner, an administrator, or the holder of its delete token."""

import hashlib
import hmac
from typing import Any

from filewallball import errors, permissions
from filewallball.recording.caller import Caller


def owns(caller: Caller, row: Any) -> bool:
    """Whether the file is the caller's, or the caller may act on any file."""
    return caller.may(permissions.ANY_FILE) or (not caller.is_anonymous and caller.user_id == row.owner_id)


def holds_token(delete_token: str, row: Any) -> bool:
    """Whether this is the token that the answer to an anonymous upload gave."""
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


def token_digest(token: str) -> str:
    """How a delete token is kept: as its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()

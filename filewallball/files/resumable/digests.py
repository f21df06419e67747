"""The SHA-256 of an upload as far as it was received, in the row that says how far that is: whoever goes on with the
upload takes it up, in whatever process. Where it is not known, it is computed at the end, from all of the bytes."""

import hashlib

from filewallball.files.resumable.progress import Upload
from filewallball.storage.sha256_state import STATE_BYTES, STATE_VERSION, Digest, Sha256, new_digest

_VERSION = hashlib.sha256(STATE_VERSION).hexdigest()[:8]


def digest_of(upload: Upload) -> Digest | None:
    """The digest of all that was received, None where it is not known."""
    if not upload.received:
        return new_digest()
    digest = _kept(upload.digest)
    return digest if digest is not None and digest.is_sound and digest.count == upload.received else None


def told(digest: Digest | None, received: int) -> str:
    """The digest of so many bytes as a row keeps it; empty where it is not known."""
    is_known = isinstance(digest, Sha256) and digest.count == received
    return f"{_VERSION}{digest.state().hex()}" if isinstance(digest, Sha256) and is_known else ""


def _kept(column: str) -> Sha256 | None:
    version, text = column[: len(_VERSION)], column[len(_VERSION) :]
    try:
        state = bytes.fromhex(text)
    except ValueError:
        return None
    return Sha256(state) if version == _VERSION and len(state) == STATE_BYTES else None

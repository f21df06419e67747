"""The detail of an error's answer beyond its title: the cause as far as it is known, else what to do about it."""

from collections.abc import Mapping
from typing import Any

from filewallball.errors import ApiError
from filewallball.errors.fields import WHOLE, by_field
from filewallball.text import sanitize
from filewallball.web.request_body import SMALL_BYTES

_MAX_BYTES = 1000
_NEW_TOKEN = "Ask an administrator for a new token."  # noqa: S105 - advice
_NEW_LINK = "Ask whoever sent the link for a new one."
_NEW_UPLOAD = "Start a new upload."
_AGAIN = "Try again in a moment."
_TELL = "Give the request id to whoever runs the service: the log has the cause."
ADVICE = {
    "link_expired": _NEW_LINK,
    "link_password_required": "POST the password to the link's address followed by `/unlock`, "
    'as JSON: `{"password": "…"}`.',
    "link_password_wrong": "Ask whoever sent the link for its password.",
    "link_revoked": _NEW_LINK,
    "link_unconfirmed": "POST `{}` to the link's address followed by `/unlock`, and fetch the `url` of the answer.",
    "link_used_up": "Ask whoever sent the link for a new one; a download that broke off can be continued "
    "with Range within ten minutes.",
    "ticket_expired": "Get a new ticket: each is valid for ten minutes and from one network only.",
    "internal_error": _TELL,
    "bad_request": "Correct the request: sent unchanged, it fails again.",
    "host_not_allowed": "Use a host name that ALLOWED_HOSTS lists, an IP address or localhost.",
    "network_error": "Send the request again.",
    "auth_missing": "Send a token: `Authorization: Bearer ...`.",
    "auth_malformed": "Send the header as `Authorization: Bearer`, one space and the token.",
    "auth_unknown": _NEW_TOKEN,
    "auth_expired": _NEW_TOKEN,
    "auth_revoked": _NEW_TOKEN,
    "forbidden": "Use a token whose role has the permission, or ask an administrator for it.",
    "foreign_page": "Have the page's origin added to CORS_ORIGINS, or send a token with the request.",
    "blocked": "Wait until the block ends, or ask whoever runs the service to lift it.",
    "quota_exceeded": "Delete files that you no longer need, or ask an administrator for a larger quota.",
    "too_many_uploads": "Finish or delete unfinished uploads; `GET /api/v1/uploads` lists them.",
    "upload_is_final": "Send bytes to its parts before you concatenate them.",
    "rate_limited": "Wait for the seconds that `Retry-After` gives, then try again.",
    "quarantined": "Ask an administrator to release the file.",
    "not_found": "Check the address and the id. The answer is the same if you lack the permission to see it.",
    "method_not_allowed": "Use a method that the `Allow` header names.",
    "not_acceptable": "Accept one of the media types that the route answers with.",
    "conflict": "Fetch the current state, then decide whether the change still applies.",
    "idempotency_key_in_use": "Repeat the same request with the same key in a few seconds.",
    "offset_mismatch": "Ask for the offset with HEAD and continue from there.",
    "upload_expired": _NEW_UPLOAD,
    "upload_terminated": _NEW_UPLOAD,
    "upload_refused": "Remove the reason for the refusal, then start a new upload.",
    "expired": "Ask the owner to upload the file again: an expired file does not come back.",
    "precondition_failed": "Fetch it again: its ETag or its date has changed.",
    "tus_version_unknown": "Send `Tus-Resumable: 1.0.0`.",
    "file_too_large": "Send a smaller file, or ask for a higher MAX_UPLOAD_SIZE.",
    "request_too_large": f"Send at most {SMALL_BYTES} bytes in a request that is not an upload.",
    "address_too_long": "Shorten the address: use fewer or shorter query parameters.",
    "headers_too_large": "Send fewer or shorter headers.",
    "invalid_file_type": "Send a file of an accepted type; ALLOWED_FILE_TYPES names them.",
    "unsupported_media_type": "Send the body as `application/json`.",
    "range_not_satisfiable": "Ask for a range within the size that `Content-Range` gives.",
    "expectation_failed": "Send `Expect: 100-continue`, or no Expect header.",
    "validation_error": "Correct the fields that `errors` names.",
    "idempotency_key_reused": "Repeat the first request exactly, or send a new key.",
    "page_too_deep": "Follow `next_cursor` from page to page instead of asking for a page number.",
    "suspicious_file": "Do not send it again; if the file is harmless, talk to whoever runs the service.",
    "digest_mismatch": "Compute the digest again and repeat the upload: nothing was stored.",
    "infected_file": "Do not send it again: nothing was stored, and your copy is infected.",
    "not_scannable": "Send a smaller file, or one that the scanner can read to its end.",
    "upload_locked": _AGAIN,
    "checksum_mismatch": "Send these bytes again: none of them were kept.",
    "thumbnail_failed": "Show the file without a thumbnail.",
    "scan_pending": "Try again in half a minute: the file is served once it has been scanned.",
    "content_damaged": "Upload the same file again, which repairs it, or have it restored from a backup.",
    "storage_full": "Try again later: somebody has to make space first.",
    "storage_failed": _AGAIN,
    "storage_not_mounted": _AGAIN,
    "unavailable": _AGAIN,
    "uploads_busy": _AGAIN,
    "thumbnail_busy": _AGAIN,
    "scanner_unavailable": _AGAIN,
    "audit_unavailable": _AGAIN,
    "audit_broken": "Tell whoever runs the service: `filewallball audit verify` names what is wrong.",
    "notification_failed": "Check the settings of the channel, then send the message again.",
    "commit_unknown": "Check whether the change was made before you repeat it; within a minute of the database's "
    "return the audit log has it under the request id, and an upload with an Idempotency-Key may simply be repeated.",
}
"""What a caller can do about each error: the detail of an answer that has none, the reference and `/docs/errors`."""


def detail_of(cause: ApiError) -> str:
    """One or two sentences, harmless to print."""
    found = cause.detail or _named(cause.errors) or _methods(cause) or ADVICE.get(cause.code, "")
    return sanitize(found, _MAX_BYTES) or cause.title


def _named(messages: Mapping[str, Any]) -> str:
    found = by_field(messages)
    return " ".join(text if name == WHOLE else f"{name}: {text}" for name, (text, *_) in found.items())


def _methods(cause: ApiError) -> str:
    allowed = cause.headers.get("Allow", "")
    return f"Allowed here: {allowed}." if allowed else ""

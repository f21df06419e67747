"""The detail of an error's answer beyond its title: the cause as far as it is known, else what to do about it."""

from collections.abc import Mapping
from typing import Any

from filewallball.errors import ApiError
from filewallball.errors.fields import WHOLE, by_field
from filewallball.text import sanitize
from filewallball.web.request_body import SMALL_BYTES

_MAX_BYTES = 1000
_NEW_TOKEN = "Ask an administrator for a new token."  # noqa: S105 - advice
_AGAIN = "Try again in a moment."
ADVICE = {
    "auth_missing": "Send a token: `Authorization: Bearer ...`.",
    "auth_malformed": "The header must read `Authorization: Bearer`, one space and a token.",
    "auth_unknown": _NEW_TOKEN,
    "auth_expired": _NEW_TOKEN,
    "auth_revoked": _NEW_TOKEN,
    "forbidden": "The token's role does not include this.",
    "host_not_allowed": "ALLOWED_HOSTS names the hosts that are served, beside addresses and localhost.",
    "foreign_page": "CORS_ORIGINS names the origins whose pages may; a request with a token of its own may as well.",
    "blocked": "Whoever runs the service can lift the block; it may also end by itself.",
    "quarantined": "An administrator must release it before it is served.",
    "not_found": "There is nothing here, or nothing that this caller may know of.",
    "idempotency_key_in_use": "Repeat the request in a moment, with the same key: it is answered as the first was, "
    "or does what that did not.",
    "idempotency_key_reused": "Repeat the first request exactly, or send a new key.",
    "expired": "It is gone for good.",
    "link_password_required": 'POST it to the link\'s address with `/unlock` after it, as JSON: `{"password": "…"}`.',
    "link_password_wrong": "Whoever sent the link knows it.",
    "link_revoked": "Ask whoever sent it for a new one.",
    "link_expired": "Ask whoever sent it for a new one.",
    "link_used_up": "Ask whoever sent it for a new one. A download that broke off goes on by Range within ten minutes.",
    "ticket_expired": "Get a new one as this one was got; it is good for ten minutes, from one network.",
    "too_many_uploads": "Finish or delete some; `GET /api/v1/uploads` lists them.",
    "upload_is_final": "Its bytes are those of the uploads that it was made of.",
    "offset_mismatch": "HEAD tells the offset to go on from.",
    "upload_expired": "Begin a new one.",
    "upload_terminated": "Begin a new one.",
    "upload_refused": "Begin a new one, once the reason is gone.",
    "tus_version_unknown": "Send `Tus-Resumable: 1.0.0`.",
    "upload_locked": _AGAIN,
    "checksum_mismatch": "None of these bytes were kept: send them again.",
    "uploads_busy": _AGAIN,
    "network_error": "Send the request again.",
    "precondition_failed": "Fetch it anew: its ETag or its time is another one now.",
    "request_too_large": f"At most {SMALL_BYTES} bytes are read here.",
    "unsupported_media_type": "Send application/json.",
    "range_not_satisfiable": "Content-Range names the file's size.",
    "expectation_failed": "Send `Expect: 100-continue`, or none.",
    "infected_file": "Nothing was kept of it.",
    "scan_pending": "It is served as soon as it was scanned.",
    "content_damaged": "Uploading the same file again heals it.",
    "storage_full": "It fits once somebody made space.",
    "storage_not_mounted": _AGAIN,
    "storage_failed": _AGAIN,
    "unavailable": _AGAIN,
    "thumbnail_busy": _AGAIN,
    "audit_unavailable": _AGAIN,
    "commit_unknown": "Look whether the change is there before trying again. Within a minute of the database's return "
    "the audit log says so too, under the request id. An upload with an Idempotency-Key may simply be repeated.",
    "internal_error": "The request id leads whoever runs the service to the cause in the log.",
}


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

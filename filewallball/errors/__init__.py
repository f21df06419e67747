"""The error catalogue: every cause has one class, one stable code, one status, one title (RFC 9457)."""

from collections.abc import Iterator

from filewallball.errors.kinds import ApiError as ApiError
from filewallball.errors.kinds import ClientError as _ClientError
from filewallball.errors.kinds import Denied as _Denied
from filewallball.errors.links import LinkExpired as LinkExpired
from filewallball.errors.links import LinkPasswordRequired as LinkPasswordRequired
from filewallball.errors.links import LinkPasswordWrong as LinkPasswordWrong
from filewallball.errors.links import LinkRevoked as LinkRevoked
from filewallball.errors.links import LinkUnconfirmed as LinkUnconfirmed
from filewallball.errors.links import LinkUsedUp as LinkUsedUp
from filewallball.errors.links import TicketExpired as TicketExpired

TUS_VERSION = "1.0.0"


class InternalError(ApiError):
    """Something the service did not foresee."""


class BadRequest(_ClientError):
    code, status, title = "bad_request", 400, "The request is malformed"


class HostNotAllowed(_Denied):
    code, status, title = "host_not_allowed", 400, "The request names a host that is not this service's"


class NetworkError(_ClientError):
    code, status, title = "network_error", 400, "The client went away before the transfer ended"


class AuthMissing(_Denied):
    code, status, title = "auth_missing", 401, "Credentials are required"

    def __init__(self, detail: str = "", **kwargs: object) -> None:
        super().__init__(detail, **kwargs)  # type: ignore[arg-type]
        self.headers.setdefault("WWW-Authenticate", 'Bearer realm="filewallball"')


class AuthMalformed(AuthMissing):
    code, title = "auth_malformed", "The credentials are malformed"


class AuthUnknown(AuthMissing):
    code, title = "auth_unknown", "The credentials are not valid"


class AuthExpired(AuthMissing):
    code, title = "auth_expired", "The credentials are not valid"


class AuthRevoked(AuthMissing):
    code, title = "auth_revoked", "The credentials are not valid"


WRONG_CREDENTIALS = frozenset(
    kind.code for kind in (AuthMalformed, AuthUnknown, AuthExpired, AuthRevoked, LinkPasswordWrong)
)
"""Codes of requests that showed credentials which are not good."""


class Forbidden(_Denied):
    code, status, title = "forbidden", 403, "Not allowed"


class ForeignPage(_Denied):
    code, status, title = "foreign_page", 403, "A page of another origin may not change anything"


class Blocked(_Denied):
    code, status, title = "blocked", 403, "This address is blocked"


class QuotaExceeded(_Denied):
    code, status, title = "quota_exceeded", 403, "The quota does not leave room for this file"


class TooManyUploads(_Denied):
    code, status, title = "too_many_uploads", 403, "Too many uploads of this client are unfinished"


class UploadIsFinal(_ClientError):
    code, status, title = "upload_is_final", 403, "A concatenated upload takes no bytes of its own"


class RateLimited(_Denied):
    code, status, title = "rate_limited", 429, "Too many requests"


class Quarantined(_ClientError):
    code, status, title = "quarantined", 403, "The file is in quarantine"


class NotFound(_ClientError):
    code, status, title = "not_found", 404, "Not found"


class MethodNotAllowed(_ClientError):
    code, status, title = "method_not_allowed", 405, "The method is not allowed here"


class NotAcceptable(_ClientError):
    code, status, title = "not_acceptable", 406, "No acceptable representation"


class Conflict(_ClientError):
    code, status, title = "conflict", 409, "The change conflicts with what is there"


class IdempotencyKeyInUse(_ClientError):
    code, status, retry_after = "idempotency_key_in_use", 409, 5
    title = "A request with this Idempotency-Key is under way"


class OffsetMismatch(_ClientError):
    code, status, title = "offset_mismatch", 409, "The upload is at another offset"


class UploadExpired(_ClientError):
    code, status, title = "upload_expired", 410, "The upload was not finished in time"


class UploadTerminated(_ClientError):
    code, status, title = "upload_terminated", 410, "The upload was given up"


class UploadRefused(_ClientError):
    code, status, title = "upload_refused", 410, "The upload was refused and cannot go on"


class Expired(_ClientError):
    code, status, title = "expired", 410, "The file has expired"


class PreconditionFailed(_ClientError):
    code, status, title = "precondition_failed", 412, "The file is not the version that was asked for"


class TusVersionUnknown(_ClientError):
    code, status, title = "tus_version_unknown", 412, "The version of the tus protocol is not known here"

    def __init__(self, detail: str = "", **kwargs: object) -> None:
        super().__init__(detail, **kwargs)  # type: ignore[arg-type]
        self.headers.setdefault("Tus-Version", TUS_VERSION)


class FileTooLarge(_ClientError):
    code, status, title = "file_too_large", 413, "The file is too large"


class RequestTooLarge(_ClientError):
    code, status, title = "request_too_large", 413, "The request is too large"


class AddressTooLong(_ClientError):
    code, status, title = "address_too_long", 414, "The request's address is too long"


class HeadersTooLarge(_ClientError):
    code, status, title = "headers_too_large", 431, "The request's headers are too large"


class InvalidFileType(_ClientError):
    code, status, title = "invalid_file_type", 415, "Files of this type are not accepted"


class UnsupportedMediaType(_ClientError):
    code, status, title = "unsupported_media_type", 415, "The request's content type is not supported"


class RangeNotSatisfiable(_ClientError):
    code, status, title = "range_not_satisfiable", 416, "The range lies outside the file"


class ExpectationFailed(_ClientError):
    code, status = "expectation_failed", 417
    title = "The request's Expect header asks for something that is not supported"


class ValidationFailed(_ClientError):
    code, status, title = "validation_error", 422, "A field is not valid"


class IdempotencyKeyReused(_ClientError):
    code, status = "idempotency_key_reused", 422
    title = "The Idempotency-Key was used for something else"


class PageTooDeep(_ClientError):
    code, status, title = "page_too_deep", 422, "The page is too deep for an offset; follow the cursor"


class SuspiciousFile(_ClientError):
    code, status, title = "suspicious_file", 422, "The content of the file is dangerous"


class DigestMismatch(_ClientError):
    code, status, title = "digest_mismatch", 422, "The content does not match its declared digest"


class InfectedFile(_ClientError):
    code, status, title = "infected_file", 422, "The file carries malware"


class NotScannable(_ClientError):
    code, status, title = "not_scannable", 422, "The file is beyond the virus scanner's limits"


class UploadLocked(_ClientError):
    code, status, title, retry_after = "upload_locked", 423, "Another request is at work on the upload", 1


class ChecksumMismatch(_ClientError):
    code, status, title = "checksum_mismatch", 460, "The bytes do not match their Upload-Checksum"


class ThumbnailFailed(_ClientError):
    code, status, title = "thumbnail_failed", 422, "There can be no thumbnail of this file"


class ScanPending(ApiError):
    code, status, title, retry_after = "scan_pending", 503, "The file has not been scanned yet", 30


class ContentDamaged(ApiError):
    code, status, title = "content_damaged", 500, "The stored bytes are no longer those that were uploaded"


class StorageFull(ApiError):
    code, status, title, retry_after = "storage_full", 507, "There is no space for this file", 60


class StorageFailed(ApiError):
    code, status, title, retry_after = "storage_failed", 503, "The storage did not keep the file", 10


class StoreNotMounted(ApiError):
    code, status, title, retry_after = "storage_not_mounted", 503, "The storage is not mounted", 10


class Unavailable(ApiError):
    code, status, title, retry_after = "unavailable", 503, "A service that this needs is not available", 5


class UploadsBusy(Unavailable):
    code, title, retry_after = "uploads_busy", "As many uploads are in progress as there can be", 2
    reads_body = False


class ThumbnailBusy(Unavailable):
    code, title, retry_after = "thumbnail_busy", "Thumbnails are being made already", 1


class ScannerUnavailable(Unavailable):
    code, title = "scanner_unavailable", "The virus scanner is not available, so nothing was kept"


class AuditUnavailable(Unavailable):
    code, title = "audit_unavailable", "The audit journal cannot be written, so nothing was done"


class AuditBroken(ApiError):
    code, status, title = "audit_broken", 500, "The audit log is not what was sealed"


class NotificationFailed(ApiError):
    code, status, title = "notification_failed", 502, "The message was not accepted"


class CommitUnknown(Unavailable):
    code, title = "commit_unknown", "The outcome of the change is not known"


# Codes that an event may carry without an answer: the service never got to send one.
ABORTED = "aborted"


def catalogue() -> Iterator[type[ApiError]]:
    """Every public error class, in the order of their definition."""
    for item in list(globals().values()):
        if (
            isinstance(item, type)
            and issubclass(item, ApiError)
            and item not in (ApiError, _ClientError, _Denied)
        ):
            yield item


def is_refusal(code: str) -> bool:
    """True if the code is the caller's doing: such refusals are coalesced when they flood."""
    return _SIDES.get(code) == "client"


_SIDES = {kind.code: kind.side for kind in catalogue()}

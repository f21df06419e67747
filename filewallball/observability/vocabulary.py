"""The closed sets that labels speak in, and the buckets of the histograms."""

from filewallball import errors

OTHER = "other"
MAX_CLIENTS = 200
MAX_RULES = 80
MAX_EXPECTED = 50
MAX_USERS = 50

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER")
STATUSES = ("success", "failed", "denied")
HTTP_STATUSES = (
    *("200", "201", "202", "204", "206", "301", "302", "303", "304", "307", "308"),
    *(
        "400",
        "401",
        "403",
        "404",
        "405",
        "406",
        "408",
        "409",
        "410",
        "411",
        "412",
        "413",
        "414",
        "415",
        "416",
    ),
    *("417", "421", "422", "423", "425", "426", "428", "429", "431", "460"),
    *("500", "501", "502", "503", "504", "507", OTHER),
)
COMMON_TYPES = (
    "application/octet-stream",
    "application/pdf",
    "application/zip",
    "image/jpeg",
    "image/png",
    "text/plain",
    "video/mp4",
)
MEDIA_TYPES = (
    *COMMON_TYPES,
    "application/epub+zip",
    "application/gzip",
    "application/java-archive",
    "application/json",
    "application/msword",
    "application/rtf",
    "application/vnd.android.package-archive",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.sqlite3",
    "application/x-7z-compressed",
    "application/x-bzip2",
    "application/x-executable",
    "application/x-hwp",
    "application/x-mach-binary",
    "application/x-rar",
    "application/x-sharedlib",
    "application/x-tar",
    "application/x-xz",
    "application/xml",
    "application/zstd",
    "audio/flac",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/x-wav",
    "font/sfnt",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/svg+xml",
    "image/tiff",
    "image/webp",
    "image/x-icon",
    "message/rfc822",
    "text/calendar",
    "text/csv",
    "text/html",
    "text/markdown",
    "text/x-python",
    "text/x-shellscript",
    "text/xml",
    "video/mpeg",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
    "video/x-msvideo",
    OTHER,
)

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_KIB, _MIB, _GIB = 1024, 1024**2, 1024**3
BYTES = (_KIB, 10 * _KIB, 100 * _KIB, _MIB, 10 * _MIB, 50 * _MIB, 100 * _MIB, _GIB, 10 * _GIB)

ACTIONS = (
    *(
        "file:upload",
        "file:replay",
        "file:download",
        "file:view",
        "file:thumbnail",
        "file:check",
        "file:list",
        "file:describe",
    ),
    *("file:update", "file:history", "file:delete", "file:expire", "file:scan", "file:scrub", "file:release"),
    *("upload:create", "upload:append", "upload:check", "upload:list", "upload:terminate"),
    *("link:create", "link:list", "link:describe", "link:revoke", "link:unlock", "link:claim", "link:join"),
    "ticket:create",
    *("user:list", "user:describe", "user:create", "user:update", "auth:fail"),
    *("token:list", "token:create", "token:revoke", "token:rotate"),
    *("block:list", "block:add", "block:delete", "quota:list", "quota:describe", "quota:update"),
    *("client:update", "client:delete"),
    *("audit:read", "audit:export", "audit:verify", "audit:prune"),
    *("stats:read", "stats:rebuild", "stats:reconcile"),
    *("backup:create", "backup:prune", "backup:restore", "drain:on", "drain:off"),
    "upgrade:finish",
    "health:read",
    *("alert:receive", "alert:list", "alert:send"),
    "http:refuse",
    OTHER,
)
ERROR_CODES = (*sorted({kind.code for kind in errors.catalogue()} | {errors.ABORTED}), OTHER)
SERVER_ERRORS = tuple(sorted({kind.code for kind in errors.catalogue() if kind.status >= 500}))
AUTH_FAILURES = {
    "auth_missing": "missing",
    "auth_malformed": "malformed",
    "auth_unknown": "unknown",
    "auth_expired": "expired",
    "auth_revoked": "revoked",
    "forbidden": "forbidden",
    "link_password_wrong": "link_password",
}
SPAN_OUTCOMES = EXPORTED, DROPPED = "exported", "dropped"
UPLOAD_RULES = ("/upload", "/upload/<filename>")
DOWNLOAD_RULES = ("/download/<file_id>", "/view/<file_id>")

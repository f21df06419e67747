"""Examples of what the API takes and answers: `/docs` shows them, and offers those of requests to be sent."""

from typing import Any

_FILE_ID = "c3a1619f-f749-c9c8-d1db-1c329c42afca"
_LINK_ID = "813b472f53bfce6400e6"
_LINK_URL = f"/s/{_LINK_ID}/fwb_s_EXAMPLE"
_TICKET = "fwb_t_EXAMPLE"
_REQUEST = "req_00dcc16408c441d9a653370eb59045c6"
_SHA256 = "d9ecc6fb84f43217503b3a28f5a203e0eb42c9e5966d07acda9649fbba15cd49"
_MORNING = "2026-11-28T09:14:57.757181Z"
_WEEK_LATER = "2026-12-05T09:14:57.757181Z"

_FILE = {
    "file_id": _FILE_ID,
    "filename": "report.pdf",
    "file_size": 300_000,
    "mime_type": "application/pdf",
    "claimed_type": "application/pdf",
    "file_hash": _SHA256,
    "visibility": "public",
    "description": "The final version",
    "upload_time": _MORNING,
    "expires_at": _WEEK_LATER,
    "is_mislabelled": False,
    "is_quarantined": False,
    "download_url": f"/download/{_FILE_ID}",
    "view_url": f"/view/{_FILE_ID}",
    "thumbnail_url": None,
}
_USER = {"id": 2, "username": "kim", "role": "user", "created_at": _MORNING, "disabled_at": None}
_TOKEN = {
    "id": 2,
    "user_id": 2,
    "username": "kim",
    "role": "user",
    "name": "laptop",
    "prefix": "fwb_EXAM",
    "created_at": _MORNING,
    "expires_at": "2027-02-26T09:14:57.757181Z",
    "revoked_at": None,
    "last_used_at": None,
}
_BLOCK = {
    "id": 1,
    "network": "203.0.113.0/24",
    "reason": "scans",
    "evidence": "",
    "origin": "manual",
    "created_at": _MORNING,
    "expires_at": "2026-11-28T10:14:57.757181Z",
    "lifted_at": None,
}
_ALLOWANCE = {
    "principal": "user:2",
    "used_bytes": 300_000,
    "used_files": 1,
    "limit_bytes": 10_000_000_000,
    "limit_files": 0,
}
_LINK = {
    "link_id": _LINK_ID,
    "file_id": _FILE_ID,
    "file_name": "report.pdf",
    "name": "for Kim",
    "state": "active",
    "created_at": _MORNING,
    "expires_at": _WEEK_LATER,
    "max_downloads": None,
    "one_time": False,
    "has_password": False,
    "downloads": 0,
    "revoked_at": None,
    "created_by": "kim",
}
_EVENT = {
    "id": 3,
    "event_id": "01a2224b-6b52-7599-bb20-c5241656d069",
    "timestamp": _MORNING,
    "user_id": 2,
    "username": "kim",
    "action": "file:upload",
    "resource_type": "file",
    "resource_id": _FILE_ID,
    "status": "success",
    "error_type": "",
    "ip_address": "203.0.113.9",
    "user_agent": "curl/7.88.1",
    "request_id": _REQUEST,
    "link_id": "",
    "trace_id": "00dcc16408c441d9a653370eb59045c6",
    "file_type": "application/pdf",
    "file_size": 300_000,
    "duration_ms": 44.461,
    "count": 1,
    "integrity": "sealed",
    "details": {
        "filename": "report.pdf",
        "file_size": 300_000,
        "mime_type": "application/pdf",
        "sha256": _SHA256,
    },
}
_CLIENT_USE = {"client_ip": "203.0.113.9", "count": 25, "bytes": 7_500_000, "errors": 1}
_EXPECTATION = {
    "client_ip": "203.0.113.9",
    "expected_within": 86_400,
    "declared_at": _MORNING,
    "last_upload_at": _MORNING,
    "seconds_since_upload": 3_600,
    "is_overdue": False,
}

REQUESTS: dict[str, dict[str, Any]] = {
    "FileChange": {"description": "The final version", "visibility": "unlisted", "expires_in": "30d"},
    "NewLink": {"file_id": _FILE_ID, "name": "for Kim", "expires_in": "7d"},
    "Unlock": {"password": "correct horse battery staple"},
    "NewUser": {"username": "kim", "role": "user"},
    "UserChange": {"role": "monitor"},
    "NewToken": {"user_id": 2, "name": "laptop", "expires_in": "90d"},
    "Rotation": {"grace": "1h"},
    "NewBlock": {"network": "203.0.113.0/24", "reason": "scans", "expires_in": "1h"},
    "Limits": {"limit_bytes": 10_000_000_000, "limit_files": None},
    "Expect": {"expected_within": "1d"},
}
"""By the name of a schema, a body that is taken."""

ANSWERS: dict[str, dict[str, Any]] = {
    "FileList": {
        "files": [_FILE | {"owner": "kim"}],
        "total": 1,
        "total_is_lower_bound": False,
        "page": 1,
        "size": 50,
        "pages": 1,
        "next_cursor": None,
    },
    "Described": _FILE | {"owner": "kim"},
    "Uploaded": _FILE
    | {
        "is_duplicate": False,
        "quarantine_reasons": [],
        "delete_token": "EXAMPLE-shown-once-to-anonymous-callers",
        "ignored_fields": [],
    },
    "Link": _LINK,
    "LinkList": {"links": [_LINK], "next_cursor": None},
    "NewLinkAnswer": _LINK | {"url": _LINK_URL},
    "Ticket": {
        "ticket": _TICKET,
        "url": f"/t/{_TICKET}",
        "view_url": f"/t/{_TICKET}/view",
        "thumbnail_url": f"/t/{_TICKET}/thumbnail",
        "expires_at": "2026-11-28T09:24:57.757181Z",
        "file_name": "report.pdf",
        "size": 300_000,
        "media_type": "application/pdf",
    },
    "AuditEvent": _EVENT,
    "AuditPage": {
        "logs": [_EVENT],
        "total": 1,
        "total_is_lower_bound": False,
        "page": 1,
        "size": 50,
        "pages": 1,
        "next_cursor": None,
        "filters": {"action": "create"},
    },
    "User": _USER,
    "UserList": {"users": [_USER], "total": 1, "next_cursor": None},
    "Token": _TOKEN,
    "TokenList": {"tokens": [_TOKEN], "total": 1, "next_cursor": None},
    "IssuedToken": {"token": "fwb_EXAMPLE", "details": _TOKEN},
    "Block": _BLOCK,
    "BlockList": {"blocks": [_BLOCK], "total": 1, "next_cursor": None},
    "Allowance": _ALLOWANCE,
    "QuotaList": {"quotas": [_ALLOWANCE], "total": 1, "next_cursor": None},
    "Usage": {"name": "upload", "limit": "60 per 1 minute", "remaining": 12, "resets_at": _MORNING},
    "ClientUse": _CLIENT_USE,
    "ClientPage": {
        "clients": [_CLIENT_USE],
        "total": 1,
        "page": 1,
        "size": 50,
        "pages": 1,
        "period_days": 7,
        "order": "count",
    },
    "ClientUploads": {
        "client_ip": "203.0.113.9",
        "period_days": 7,
        "total_uploads": 26,
        "total_size": 7_500_000,
        "successful_uploads": 25,
        "failed_uploads": 1,
        "average_file_size": 300_000,
        "most_common_type": "application/pdf",
        "upload_trend": [{"date": "2026-11-28", "count": 26, "size": 7_500_000, "success_rate": 96.15}],
        "file_type_distribution": {"application/pdf": 25},
        "error_breakdown": {"file_too_large": 1},
    },
    "Expectation": _EXPECTATION,
    "ExpectationList": {"clients": [_EXPECTATION]},
    "Problem": {
        "type": "/docs/errors#not_found",
        "title": "Not found",
        "status": 404,
        "detail": "Check the address and the id. The answer is the same if you lack the permission to see it.",
        "code": "not_found",
        "request_id": _REQUEST,
    },
}
"""By the name of a schema, an answer."""

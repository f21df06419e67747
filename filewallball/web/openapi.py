"""The parts of the OpenAPI description that schemas cannot give: request bodies that stream, answers that are bytes."""

from collections.abc import Iterable, Mapping
from typing import Any

from apispec import APISpec, BasePlugin

from filewallball import errors, permissions
from filewallball.web.details import ADVICE
from filewallball.web.examples import ANSWERS, REQUESTS
from filewallball.web.request_headers import CHANGING

EXPIRES_IN = "Lifetime such as 30s, 12h or 7d; a bare number counts seconds"
_OPTIONS = {
    "visibility": {"type": "string", "enum": ["public", "unlisted", "private"], "default": "unlisted"},
    "expires_in": {"type": "string", "example": "7d", "description": EXPIRES_IN},
    "description": {"type": "string", "maxLength": 1000, "example": "The final version"},
    "sha256": {
        "type": "string",
        "pattern": "^([0-9a-fA-F]{64})?$",
        "example": "",  # what `/docs` offers to send: no other digest fits the file that somebody chooses there
        "description": "Expected SHA-256 of the file; a mismatch stores nothing. Empty: none is expected",
    },
}
FORM_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}, **_OPTIONS},
            }
        }
    },
}
RAW_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}

LOCATION: dict[str, Any] = {
    "Location": {
        "description": "Where the new file is described",
        "schema": {"type": "string", "format": "uri-reference"},
    }
}

IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 255},
    "description": "A new random UUID for each upload, such as 8e03978e-40d5-43e8-bc93-6894a57f9324. However often the "
    "request is repeated within 24 hours, it stores one file and gives the same answer. In double quotes or without",
}
REPLAYED: dict[str, Any] = {
    "Idempotency-Replayed": {
        "description": "`true` where this is the answer to an earlier request with the same Idempotency-Key",
        "schema": {"type": "string", "enum": ["true"]},
    }
}

ETAG: dict[str, Any] = {
    "ETag": {
        "description": "The version of this description; that of the bytes is another one, at the download",
        "schema": {"type": "string"},
    }
}
IF_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The ETag of the description that the change is based on: 412 where somebody changed it since",
}

# What an operation may answer with beside success and what every one may; by action.
_EVERY = (400, 401, 403, 422, 429, 503)
_PROBLEMS = {
    "file:upload": (409, 413, 415, 431, 507),
    "upload:create": (404, 409, 413, 415, 423, 431, 460, 507),
    "upload:append": (404, 409, 410, 413, 415, 423, 460, 507),
    "upload:check": (404, 410, 412, 423),
    "upload:terminate": (404, 409, 410, 423),
    "file:download": (404, 410, 412, 416, 500),
    "file:view": (404, 410, 412, 416, 500),
    "file:thumbnail": (404, 410, 412, 416, 500, 507),
    "file:list": (404,),
    "file:describe": (404, 410),
    "file:update": (404, 410),
    "file:history": (404, 410),
    "file:delete": (404, 410),
    "link:create": (404, 409, 410),
    "link:unlock": (404, 410, 500),
    "ticket:create": (404, 410, 500),
    "user:create": (409,),
    "user:update": (409,),
    "block:add": (409,),
    "token:create": (404,),
    "quota:describe": (404,),
    "audit:verify": (500,),
}
_PROBLEM_TYPE = "application/problem+json"
_BEARER: dict[str, list[str]] = {"bearer": []}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457); `code` is stable",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": [kind.code for kind in errors.catalogue()]},
        "request_id": {"type": "string"},
        "violated-policies": {
            "type": "array",
            "description": "The limits that were exceeded, as RateLimit-Policy names them; with `rate_limited` only",
            "items": {"type": "string"},
        },
        "errors": {
            "type": "object",
            "description": "What is wrong with each field; `_schema` stands for the whole",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}


class Promises(BasePlugin):
    """Says of every operation whose token it takes and every problem that it may answer with."""

    def __init__(self, views: Mapping[str, Any]) -> None:
        self._views = views

    def init_spec(self, spec: APISpec) -> None:
        spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
        spec.components.schema("Problem", component=_PROBLEM)
        content = {_PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for status in sorted({kind.status for kind in errors.catalogue()}):
            kinds = [kind for kind in errors.catalogue() if kind.status == status]
            about = "\n".join(f"- `{kind.code}`: {kind.title}. {ADVICE[kind.code]}" for kind in kinds)
            spec.components.response(_name(status), {"description": about, "content": content})

    def schema_helper(self, name: str, definition: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        found = REQUESTS.get(name) or ANSWERS.get(name)
        return {"examples": [found]} if found else {}

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        view = self._views[kwargs["rule"].endpoint].view_class
        for method, operation in (operations or {}).items():
            rule = getattr(getattr(view, method), "rule", None)
            responses = operation["responses"]
            responses.pop("default", None)
            for status in sorted(set(_problems(path or "", method, operation, rule))):
                responses[str(status)] = _name(status)
            if rule is not None:
                operation["security"] = _security(rule.permission)


def binary_answer() -> dict[str, Any]:
    """The answers of a route that sends a file."""
    content = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "200": {"description": "The whole file", "content": content},
        "206": {"description": "The requested range", "content": content},
        "304": {"description": "Not modified"},
    }


def health_answer(*problems: int) -> dict[str, Any]:
    """The answers of a probe: 200 as long as requests may be sent here, 503 otherwise, with the same body."""
    content = {"application/json": {"schema": {"type": "object"}}}
    found: dict[str, Any] = {
        "200": {"description": "Healthy or degraded", "content": content},
        "503": {"description": "Unhealthy, or draining", "content": content},
    }
    return found | {str(status): _name(status) for status in problems}


def _problems(path: str, method: str, operation: Mapping[str, Any], rule: Any) -> Iterable[int]:
    """The statuses of all problems that an operation may answer with."""
    if rule is None:  # probes: their own answers say it all
        return
    yield from _EVERY
    yield from _PROBLEMS.get(rule.action, ())
    if "{" in path:
        yield 404
    if method.upper() in CHANGING:
        yield from (412, 415)
    if "requestBody" in operation:
        yield 413


def _security(permission: str) -> list[dict[str, list[str]]]:
    """A token always; none where the anonymous role or a monitoring network may be enough."""
    is_optional = permission in permissions.ROLES["user"] | permissions.MONITORING
    return [{}, _BEARER] if is_optional else [_BEARER]


def _name(status: int) -> str:
    return f"Problem{status}"

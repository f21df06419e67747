"""What the OpenAPI description says where schemas cannot: request bodies that stream, answers that are bytes."""

from typing import Any

_OPTIONS = {
    "visibility": {"type": "string", "enum": ["public", "unlisted", "private"], "default": "unlisted"},
    "expires_in": {"type": "string", "example": "7d"},
    "description": {"type": "string", "maxLength": 1000},
    "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
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


def binary_answer() -> dict[str, Any]:
    """The answers of a route that sends a file."""
    content = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "200": {"description": "The whole file", "content": content},
        "206": {"description": "The requested range", "content": content},
        "304": {"description": "Not modified"},
        "416": {"description": "The range lies outside the file"},
    }

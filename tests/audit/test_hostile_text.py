"""Hostile text in every field: one row each, stored sanitized, shown sanitized, and never a 500."""

import csv
import io
import json
import unicodedata
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from filewallball.recording.tables import audit_log
from harness.parts import Parts
from tests.fixtures.audit_log import rows_of

TEXTS = {
    "line breaks": b"a\r\nSet-Cookie: x\nb\xc2\x85c\xe2\x80\xa8d",
    "NUL": b"a\x00b",
    "escape sequences": b"\x1b[31mred\x1b]0;title\x07\x9b5m",
    "bidi overrides": "abc\u202egpj.exe\u2066x\u2069\ufeff".encode(),
    "a lone surrogate": b"a\xed\xa0\x80b",
    "broken UTF-8": b"\xff\xfe\xc0\x80",
    "SQL": b"'; DROP TABLE audit_log; -- \" \\' %s %(x)s :x ?",
    "a CSV formula": b"=cmd|' /C calc'!A0",
    "a full-width formula": "＝1+1".encode(),
    "64 KiB": "é".encode() * 32_768,
    "beyond the BMP": "\U0001f36a\U0010ffff".encode(),
    "markup": b"<script>alert(1)</script>{{7*7}}${7*7}",
}
_TEXT_COLUMNS = (
    "username", "user_agent", "details", "resource_id", "request_id", "file_type", "ip_address", "action",
)  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_text_becomes_one_neutral_row_each(parts: Parts, admin: FlaskClient, name: str) -> None:
    raw = TEXTS[name]
    requests = list(_requests(raw))
    for method, path, options in requests:
        answer = admin.open(path, method=method, **options)  # type: ignore[arg-type]
        assert answer.status_code < 500, (method, path[:80], answer.text[:300])
    parts.ledger.coalescer.close_all()
    parts.shipper.ship()

    rows = rows_of(parts, select(*audit_log.c))
    assert sum(row.count for row in rows) == len(requests)
    for row in rows:
        for column in _TEXT_COLUMNS:
            _assert_neutral(getattr(row, column))
        json.loads(row.details or "{}")
        assert len(row.user_agent.encode()) <= 512
    listed = admin.get("/api/v1/audit/logs")
    lines = admin.get("/api/v1/audit/export").text
    cells = admin.get("/api/v1/audit/export", query_string={"format": "csv"}).text
    assert listed.status_code == 200
    assert len(lines.splitlines()) == len(rows) + 1
    assert len(list(csv.reader(io.StringIO(cells, newline="")))) == len(rows) + 3
    for text in (listed.text.replace("\n", ""), lines.replace("\n", ""), cells.replace("\r\n", "")):
        _assert_neutral(text)
    parts.sealer.run()
    assert parts.verification.verifier().verify().findings == []


def _requests(raw: bytes) -> list[tuple[str, str, dict[str, object]]]:
    """(method, path, options) with the text in every place that a client can put one."""
    header = (
        raw.decode("latin-1").replace("\r", "\x0b").replace("\n", "\x0b")
    )  # no server lets them into a header
    short = quote(raw[:300].replace(b"/", b""))
    found: list[tuple[str, str, dict[str, object]]] = [
        ("PUT", f"/upload/{short}", {"data": b"content"}),
        ("PUT", f"/upload/a.txt?description={short}", {"data": b"content"}),
        ("GET", f"/download/{short}x", {}),
        ("GET", f"/api/v1/audit/logs?action={short}", {}),
        ("GET", f"/api/v1/audit/logs?q={short}&date_from=2024-01-01&date_to=2024-01-02", {}),
        ("GET", f"/api/v1/audit/logs?cursor={short}&resource_id={short}", {}),
        ("GET", f"/files?name={short}&type={short}", {}),
    ]
    for field in ("HTTP_USER_AGENT", "HTTP_X_REQUEST_ID", "HTTP_X_FORWARDED_FOR", "HTTP_AUTHORIZATION"):
        found.append(("GET", "/files", {"environ_overrides": {field: header}}))
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + _quoted(raw) + b'"\r\n'
    body = form + b"Content-Type: text/" + _quoted(raw)[:99] + b"\r\n\r\ncontent\r\n--b--\r\n"
    found.append(("POST", "/upload", {"data": body, "content_type": "multipart/form-data; boundary=b"}))
    return found


def _quoted(raw: bytes) -> bytes:
    return raw[:1000].replace(b"\r", b"").replace(b"\n", b"").replace(b'"', b"'")


def _assert_neutral(text: str) -> None:
    harmful = [
        character
        for character in text
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
    ]
    assert harmful == []

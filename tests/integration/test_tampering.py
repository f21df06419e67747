"""A campaign: what random changes of database and store make a reader see is found by verify, reconcile or scrub.

Left out are the columns that nothing but their own row speaks for; docs/audit.md names them.
"""

import random
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.clock import now_us
from filewallball.database.tables import db
from filewallball.files.scrub import Pace, Scrub
from filewallball.registry import part
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN
from tests.fixtures.audit_log import alter, rows_of

_COLUMNS = {
    "files": (
        "file_id",
        "filename",
        "file_size",
        "mime_type",
        "file_hash",
        "blob_id",
        "owner_id",
        "client_ip",
    ),
    "blobs": ("sha256", "refs", "size", "path"),
    "quotas": ("used_bytes", "used_files"),
    "usage_hourly": ("hour", "count", "bytes", "duration_us", "timed", "hits", "lookups", "suspicious"),
    "usage_client_daily": ("client_ip", "day", "count", "bytes", "duration_us", "timed", "hits", "lookups"),
    "daily_seen": ("day", "kind", "count", "bytes", "errors"),
    "daily_distinct": ("day", "kind", "count"),
    "upload_errors_daily": ("day", "client_ip", "count"),
    "latency_hourly": ("hour", "action", "count"),
    "inventory": ("file_type", "files", "bytes"),
    "audit_totals": ("hour", "action", "status", "row_count"),
    "audit_log": ("username", "action", "status", "count", "details", "timestamp_us", "ip_address"),
    "audit_blocks": ("row_count", "seal", "last_id"),
}
_TEXTS = {
    *("file_id", "filename", "mime_type", "file_hash", "client_ip", "sha256", "path", "kind", "action"),
    *("file_type", "status", "username", "details", "ip_address", "seal"),
}
_DELETED = _COLUMNS.keys() - {"blobs", "quotas"}  # use without a row is counted when it is asked for


@pytest.fixture
def served(set_config: Callable[..., Flask]) -> Parts:
    """A service that has been used: files of users and of nobody, twins, a deleted one, a refusal; all sealed."""
    parts = Parts(set_config(QUOTA_USER_BYTES="1GB", QUOTA_ANONYMOUS_BYTES="1GB"))
    client = parts.app.test_client()
    users = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    for headers in ({}, users):
        for name, content in (("a.txt", b"one"), ("b.txt", b"two, longer"), ("보고서.txt", b"one")):
            answer = client.post("/upload", data={"file": (BytesIO(content), name)}, headers=headers)
            assert answer.status_code == 201
    file_id = answer.json["file_id"] if answer.json else ""
    assert client.delete(f"/files/{file_id}", headers=users).status_code in (200, 204)
    assert client.post("/upload", data={"note": "no file"}).status_code == 415
    parts.shipper.ship()
    parts.sealer.run()
    for table in _COLUMNS:
        alter(parts, f"CREATE TABLE kept_{table} AS SELECT {_written(table)} FROM {table}")
    return parts


@pytest.mark.slow
def test_whatever_changes_what_a_reader_sees_is_found(
    served: Parts, rounds: Callable[[int, int], int]
) -> None:
    blobs = {path: path.read_bytes() for path in _blob_paths(served)}
    seen = _seen(served)
    assert _found(served) == []
    visible = 0
    for seed in range(rounds(75, 1500)):
        draw = random.Random(seed)
        change = _tamper_files(draw, blobs) if draw.random() < 0.2 else _tamper_rows(served, draw)
        found = _found(served)
        if _seen(served) != seen:
            visible += 1
            assert found, (seed, change)
        _put_back(served, blobs)

    assert visible > rounds(37, 750)
    assert _found(served) == []


def _found(parts: Parts) -> list[str]:
    """All that the service's own checks say."""
    findings = [each.problem for each in parts.verification.verifier().verify().findings]
    differences = [str(line) for line in parts.reconciliation.lines() if not line.agrees]
    _, damaged = part(Scrub, parts.app).run(before_us=now_us(), pace=Pace())
    return [*findings, *differences, *(["scrub"] if damaged else [])]


def _seen(parts: Parts) -> list[Any]:
    """The answers on files, and the rows that statistics, quotas, lists and exports are made from."""
    client = parts.app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN_TOKEN}"
    answers = [_answer(client, "/files")]
    for row in rows_of(parts, "SELECT file_id FROM kept_files ORDER BY id"):
        answers += [_answer(client, f"{path}/{row.file_id}") for path in ("/files", "/download")]
    derived = {
        table: sorted(repr(tuple(row)) for row in rows_of(parts, f"SELECT {_listed(table)} FROM {table}"))
        for table in _COLUMNS.keys() - {"files", "blobs"}
    }
    return [answers, derived]


def _answer(client: FlaskClient, path: str) -> Any:
    answer = client.get(path)
    if answer.status_code >= 400:
        return answer.status_code
    return answer.status_code, answer.headers.get("Content-Disposition"), answer.mimetype, answer.data


def _tamper_rows(parts: Parts, draw: random.Random) -> str:
    table = draw.choice([*_COLUMNS])
    rows = rows_of(parts, f"SELECT * FROM {table}")
    if not rows:
        return ""
    row = draw.choice(rows)._mapping
    where = " AND ".join(
        f"`{name}` = {_quoted(value)}" for name, value in row.items() if _is_key(name, value)
    )
    column = draw.choice(_COLUMNS[table])
    if table in _DELETED and draw.random() < 0.15:
        statement = f"DELETE FROM {table} WHERE {where}"
    else:
        statement = f"UPDATE {table} SET `{column}` = {_value(draw, column, row[column])} WHERE {where}"
    try:
        alter(parts, statement)
    except Exception as error:  # a key forbids it: then nothing changed
        return f"{statement}: {error}"
    return statement


def _value(draw: random.Random, column: str, value: Any) -> str:
    if column not in _TEXTS:
        return str(draw.choice([0, 1, value + 1, max(0, value - 1), value * 2, 10**9]))
    return _quoted(draw.choice(["", "x", f"{value}x"[-30:], str(value)[:-1]]))


def _is_key(name: str, value: Any) -> bool:
    return value is not None and not isinstance(value, bytes) and name not in ("details", "description")


def _quoted(value: Any) -> str:
    return str(value) if isinstance(value, int) else "'{}'".format(str(value).replace("'", "''"))


def _listed(table: str) -> str:
    return ", ".join(f"`{name}`" for name in _COLUMNS[table])


def _tamper_files(draw: random.Random, blobs: dict[Path, bytes]) -> str:
    path = draw.choice(sorted(blobs))
    data = blobs[path]
    place = draw.randrange(len(data))
    kinds: dict[str, Callable[[], Any]] = {
        "flipped": lambda: path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]),
        "cut": lambda: path.write_bytes(data[:place]),
        "longer": lambda: path.write_bytes(data + b"x"),
        "removed": path.unlink,
        "swapped": lambda: path.write_bytes(blobs[draw.choice(sorted(blobs))]),
    }
    kind = draw.choice([*kinds])
    path.chmod(0o640)
    kinds[kind]()
    return f"{path.name} {kind}"


def _put_back(parts: Parts, blobs: dict[Path, bytes]) -> None:
    for table in _COLUMNS:
        written = _written(table)
        again = f"INSERT INTO {table} ({written}) SELECT {written} FROM kept_{table}"
        alter(parts, f"DELETE FROM {table}", again)
    for path, data in blobs.items():
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def _written(table: str) -> str:
    """The columns that the database does not compute by itself."""
    return ", ".join(
        f"`{column.name}`" for column in db.metadata.tables[table].columns if column.computed is None
    )


def _blob_paths(parts: Parts) -> Iterator[Path]:
    return (parts.store.root / "blobs" / path for path in parts.store.blobs())

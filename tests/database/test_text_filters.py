"""Every filter that takes text finds what Python finds, on both databases: collations, wildcards, padding or not."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from filewallball import errors
from filewallball.access.tables import users
from filewallball.access.users import find_user
from filewallball.alerts.received import list_alerts
from filewallball.alerts.tables import alerts
from filewallball.audit.filters import AuditFilter
from filewallball.audit.queries import list_events
from filewallball.recording.tables import audit_log
from harness.parts import Parts, put_on_record
from tests.files.kept import keep
from tests.fixtures.audit_log import make_event

MOMENT = 1_700_000_000_000_000
codes = st.lists(st.sampled_from(("a", "A", "b", " ", "%", "_", "\\", "'", '"', "/")), max_size=5).map(
    "".join
)
PIECES = (
    *("a", "A", " ", "%", "_", "\\", "'", '"', "/", "ß", "ss", "İ", "ı", "i", "I", "σ", "ς", "é", "e\u0301"),
    *("보", "\u1107\u1169", "👩‍👧", "\u200b", "\ufffd"),
)
characters = st.one_of(st.sampled_from(PIECES), st.characters(exclude_categories=["Cc", "Cs"]))
texts = st.lists(characters, max_size=5).map("".join)
campaign = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture
def parts(app: Flask) -> Parts:
    """The parts of the test's app."""
    return Parts(app)


def test_codes_of_the_audit_log_are_found_exactly(parts: Parts, rounds: Callable[[int, int], int]) -> None:
    @settings(campaign, max_examples=rounds(60, 2000))
    @given(st.lists(codes, min_size=1, max_size=6), st.lists(codes, max_size=4))
    def check(there: list[str], wanted: list[str]) -> None:
        _record(parts, [{"request_id": text, "resource_id": text, "error_type": text} for text in there])
        for text in filter(None, [*there, *wanted]):
            expected = [other for other in reversed(there) if other == text]
            for name in ("request_id", "resource_id", "error_type"):
                assert [row[name] for row in _logs(parts, **{name: text})] == expected

    check()


def test_text_in_the_audit_log_is_found_exactly(parts: Parts, rounds: Callable[[int, int], int]) -> None:
    @settings(campaign, max_examples=rounds(60, 2000))
    @given(
        st.lists(st.tuples(texts, texts, texts, codes), min_size=1, max_size=4),
        st.lists(st.one_of(texts, codes), max_size=4),
    )
    def check(rows: list[tuple[str, str, str, str]], wanted: list[str]) -> None:
        there = [
            {"username": one, "user_agent": two, "details": _json(three), "resource_id": four}
            for one, two, three, four in rows
        ]
        _record(parts, there)
        for text in filter(None, [*wanted, *(text for row in rows for text in row)]):
            inside = orjson.dumps(text).decode()[1:-1]
            expected = [
                row["username"]
                for row in reversed(there)
                if any(text in value for value in row.values()) or inside in row["details"]
            ]
            assert [row["username"] for row in _logs(parts, q=text)] == expected, text

    check()


def test_alerts_are_found_by_their_exact_name(parts: Parts, rounds: Callable[[int, int], int]) -> None:
    @settings(campaign, max_examples=rounds(60, 2000))
    @given(st.lists(texts, min_size=1, max_size=6), st.lists(texts, max_size=4))
    def check(there: list[str], wanted: list[str]) -> None:
        with parts.database.begin() as connection:
            connection.execute(delete(alerts))
            connection.execute(insert(alerts), [_alert(number, name) for number, name in enumerate(there)])
        for text in filter(None, [*there, *wanted, *(f"{name} " for name in there)]):
            found = [row.name for row in list_alerts(parts.database, name=text)[0]]
            assert found == [name for name in reversed(there) if name == text], text

    check()


def test_users_are_found_by_their_exact_name(parts: Parts, rounds: Callable[[int, int], int]) -> None:
    @settings(campaign, max_examples=rounds(60, 2000))
    @given(
        st.lists(texts.map(str.strip).filter(bool), min_size=1, max_size=5, unique=True),
        st.lists(texts, max_size=4),
    )
    def check(there: list[str], wanted: list[str]) -> None:
        with parts.database.begin() as connection:
            connection.execute(delete(users).where(users.c.created_us == 0))
            rows = [{"username": name, "role": "user", "created_us": 0} for name in there]
            connection.execute(insert(users), rows)
        for text in [*there, *wanted, *(f"{name} " for name in there), *map(str.swapcase, there)]:
            assert _find(parts, text) == (text if text in there else None), text

    check()


def test_a_file_has_one_id_only(client: FlaskClient, admin: FlaskClient) -> None:
    file_id = keep(client)["file_id"]

    for other in (f"{file_id}%20", f"%20{file_id}", file_id.upper(), f"{file_id}%00"):
        for url in (f"/files/{other}", f"/download/{other}", f"/view/{other}"):
            assert client.get(url).status_code in (404, 400), url
        assert admin.delete(f"/files/{other}").status_code in (404, 400)
        assert admin.post(f"/api/v1/quarantine/{other}/release").status_code in (404, 400)
    assert client.get(f"/files/{file_id}").status_code == 200


def _record(parts: Parts, rows: list[dict[str, str]]) -> None:
    with parts.database.begin() as connection:
        connection.execute(delete(audit_log))
    put_on_record(parts, [make_event(timestamp_us=MOMENT + number, **row) for number, row in enumerate(rows)])


def _logs(parts: Parts, **wanted: Any) -> list[dict[str, Any]]:
    found = list_events(parts.database, AuditFilter(**wanted), size=100)
    assert found.total is not None
    assert found.total.rows == len(found.rows)
    return [dict(row._mapping) for row in found.rows]


def _json(filename: str) -> str:
    return orjson.dumps({"filename": filename}).decode()


def _alert(number: int, name: str) -> dict[str, Any]:
    return {
        "fingerprint": str(number),
        "starts_us": MOMENT + number,
        "status": "firing",
        "name": name,
        "severity": "",
        "receiver": "",
        "labels": "{}",
        "annotations": "{}",
        "received_us": 1,
        "updated_us": 1,
    }


def _find(parts: Parts, username: str) -> str | None:
    try:
        return str(find_user(parts.database, username).username)
    except errors.NotFound:
        return None

"""Operations: one terminal record for each attempt, whatever fails on the way."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, insert
from sqlalchemy.engine.base import RootTransaction
from sqlalchemy.exc import OperationalError

from filewallball import errors
from filewallball.access.tables import users
from filewallball.recording.caller import Caller
from filewallball.recording.event import Event
from filewallball.recording.operations import Operation, operation
from harness.parts import Parts

CALLER = Caller(user_id=7, username="jo", ip_address="192.0.2.1", user_agent="tests", request_id="req_1")


@pytest.fixture
def parts(app: Flask) -> Parts:
    """The app's runtime."""
    return Parts(app)


@pytest.fixture
def begin(parts: Parts) -> Callable[..., Operation]:
    """Starts an operation by `CALLER`."""
    return lambda action="token:create": operation(parts.ledger, action, CALLER, endpoint="/somewhere")


def add_user(connection: Connection) -> None:
    connection.execute(insert(users), {"username": "new", "role": "user", "created_us": 1})


def test_a_change_and_its_row_are_committed_together(
    begin: Callable[..., Operation], operations: Any
) -> None:
    with begin() as op:
        op.note(details={"name": "new"})
        op.change(add_user)

    (row,) = operations()
    assert (row.action, row.resource_type, row.status, row.user_id, row.username) == (
        "token:create",
        "user",
        "success",
        7,
        "jo",
    )
    assert row.details == '{"name":"new"}'


def test_what_may_be_noted_is_on_record(begin: Callable[..., Operation]) -> None:
    with begin("file:download") as op:
        op.note(action="file:check", resource_id="a-file", file_type="text/plain", file_size=5)
        op.note(cache="hit", suspicious=True, over_limit=True, details={"kind": "check"})
        op.note(file_size=0, link_id="a link", details={"delivery": "app"})
        op.note(trace_id="7" * 32)

    expected = {
        "action": "file:check",
        "resource_id": "a-file",
        "file_type": "text/plain",
        "file_size": 0,
        "link_id": "a link",
        "trace_id": "7" * 32,
        "cache": "hit",
        "suspicious": True,
        "over_limit": True,
        "details": '{"kind":"check","delivery":"app","suspicious":true}',
    }
    assert {name: getattr(op.event, name) for name in expected} == expected


def test_a_misspelt_field_cannot_be_noted(begin: Callable[..., Operation], operations: Any) -> None:
    with pytest.raises(TypeError, match="file_sise"), begin() as op:
        op.note(file_sise=1)  # type: ignore[call-arg]  # mypy refuses it too, or it would refuse this comment

    (row,) = operations()
    assert (row.status, row.error_type) == ("failed", "internal_error")


def test_a_change_that_fails_leaves_neither_change_nor_success(
    begin: Callable[..., Operation], operations: Any, parts: Parts
) -> None:
    def fail(connection: Connection) -> None:
        add_user(connection)
        raise errors.StorageFull

    with pytest.raises(errors.StorageFull), begin() as op:
        op.change(fail)

    (row,) = operations()
    assert (row.status, row.error_type) == ("failed", "storage_full")
    with parts.database.begin() as connection:
        add_user(connection)  # the name is still free


def test_a_denial_is_denied_and_not_failed(begin: Callable[..., Operation], operations: Any) -> None:
    with pytest.raises(errors.Forbidden), begin("file:delete"):
        raise errors.Forbidden

    (row,) = operations()
    assert (row.status, row.error_type) == ("denied", "forbidden")


def test_an_unforeseen_error_is_on_record_too(begin: Callable[..., Operation], operations: Any) -> None:
    with pytest.raises(KeyError), begin("file:list"):
        raise KeyError("surprise")

    (row,) = operations()
    assert (row.status, row.error_type) == ("failed", "internal_error")


def test_nothing_is_done_where_nothing_can_be_recorded(
    parts: Parts, begin: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_event: Event) -> None:
        raise errors.AuditUnavailable

    monkeypatch.setattr(parts.journal, "opened", fail)
    reached = False

    with pytest.raises(errors.AuditUnavailable), begin():
        reached = True

    assert not reached


def test_a_detached_operation_ends_once_when_told(begin: Callable[..., Operation], operations: Any) -> None:
    with begin("file:download") as op:
        op.detach()
    assert operations() == []

    op.finish()
    op.finish(errors.NetworkError())

    assert [row.status for row in operations()] == ["success"]


def test_a_commit_of_unknown_outcome_keeps_the_row_that_landed(
    parts: Parts, begin: Callable[..., Operation], operations: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = RootTransaction.commit

    def land_and_break(transaction: Any) -> None:
        commit(transaction)
        raise OperationalError("COMMIT", {}, Exception("connection lost"))

    monkeypatch.setattr(RootTransaction, "commit", land_and_break)
    with pytest.raises(errors.CommitUnknown), begin() as op:
        op.change(add_user)
    monkeypatch.undo()

    (row,) = operations()
    assert row.status == "success"  # the shipped «commit_unknown» met the same event_id and was dropped


def test_a_commit_that_did_not_land_is_on_record_as_unknown(
    begin: Callable[..., Operation], operations: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(transaction: Any) -> None:
        transaction.rollback()
        raise OperationalError("COMMIT", {}, Exception("connection lost"))

    monkeypatch.setattr(RootTransaction, "commit", break_off)
    with pytest.raises(errors.CommitUnknown), begin() as op:
        op.change(add_user)
    monkeypatch.undo()

    (row,) = operations()
    assert (row.status, row.error_type) == ("failed", "commit_unknown")

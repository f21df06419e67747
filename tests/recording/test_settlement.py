"""Changes whose COMMIT got no answer: counted once, when their outcome is known, and as their row has it."""

import errno
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, insert
from sqlalchemy.engine.base import RootTransaction
from sqlalchemy.exc import OperationalError

from filewallball import errors
from filewallball.access.tables import users
from filewallball.filesystem import try_lock
from filewallball.observability.counters import note_epoch
from filewallball.recording import positions
from filewallball.recording.caller import Caller
from filewallball.recording.event import Event
from filewallball.recording.operations import operation
from harness.parts import Parts

CALLER = Caller(ip_address="192.0.2.1", request_id="req_1")
Break = Callable[[bool, BaseException], None]


@pytest.fixture
def parts(app: Flask) -> Parts:
    """The app's parts."""
    return Parts(app)


@pytest.fixture
def told(parts: Parts) -> list[Event]:
    """The operations that the listeners were told of."""
    heard: list[Event] = []
    parts.ledger.listeners = (*parts.ledger.listeners, heard.append)
    return heard


@pytest.fixture
def lose_answer(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Break:
    """Makes one change whose COMMIT takes effect or not, and ends in an error either way."""
    commit = RootTransaction.commit

    def change(lands: bool, error: BaseException) -> None:
        def end(transaction: Any) -> None:
            (commit if lands else RootTransaction.rollback)(transaction)
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(RootTransaction, "commit", end)
            try:
                with operation(parts.ledger, "user:create", CALLER) as op:
                    op.change(_add_user)
            except (errors.CommitUnknown, SystemExit):
                pass

    return change


def _add_user(connection: Connection) -> None:
    connection.execute(insert(users), {"username": "new", "role": "user", "created_us": 1})


def lost() -> OperationalError:
    return OperationalError("COMMIT", {}, Exception("connection lost"))


@pytest.mark.parametrize(
    ("lands", "outcome"), [(True, ("success", "")), (False, ("failed", "commit_unknown"))]
)
def test_the_outcome_is_told_once_and_not_before_it_is_known(
    parts: Parts,
    told: list[Event],
    lose_answer: Break,
    operations: Any,
    lands: bool,
    outcome: tuple[str, str],
) -> None:
    lose_answer(lands, lost())
    assert (told, parts.shipper.backlog().unsettled) == ([], 1)

    (row,) = operations()
    parts.shipper.ship()

    assert [(event.status, event.error_type) for event in told] == [outcome]
    assert (row.status, row.error_type) == outcome
    assert (told[0].event_id, told[0].duration_us) == (row.event_id, row.duration_us)
    assert parts.shipper.backlog().unsettled == 0


def test_a_process_that_is_ended_in_the_middle_of_commit_leaves_an_outcome_to_be_known(
    told: list[Event], lose_answer: Break, operations: Any
) -> None:
    lose_answer(True, SystemExit(1))
    assert told == []

    (row,) = operations()

    assert [event.status for event in told] == [row.status] == ["success"]


def test_reconcile_names_what_is_pending_and_agrees_before_and_after(
    parts: Parts, lose_answer: Break
) -> None:
    note_epoch(parts.settings.metrics_dir)
    lose_answer(True, lost())

    with try_lock(parts.settings.journal_dir / "ship.lock"):
        before = list(parts.reconciliation.lines())[-1]
    after = list(parts.reconciliation.lines())[-1]

    assert (before.agrees, after.agrees) == (True, True)
    assert "1 pending, a difference of 1 allowed" in before.text
    assert after.text == "1 operations counted, a difference of 0 allowed"


def test_what_could_not_be_noted_as_shipped_is_told_once_all_the_same(
    parts: Parts, told: list[Event], lose_answer: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    lose_answer(True, lost())
    with monkeypatch.context() as patch:
        patch.setattr(positions, "replace_file", full)
        for _ in range(3):
            with pytest.raises(OSError, match="full"):
                parts.shipper.ship()
    assert told == []

    parts.shipper.ship()
    parts.shipper.ship()

    assert [event.status for event in told] == ["success"]


def test_no_caller_can_make_an_operation_look_unsettled(parts: Parts) -> None:
    caller = Caller(ip_address="192.0.2.1", user_agent='"error_type":"commit_unknown"')

    with operation(parts.ledger, "file:list", caller) as op:
        op.note(details={"q": '"error_type":"commit_unknown"'})

    assert (parts.shipper.backlog().events, parts.shipper.backlog().unsettled) == (1, 0)

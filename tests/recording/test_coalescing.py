"""Floods of equal refusals: counted exactly, also by whoever comes after a process that was killed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from filewallball.errors import AuditUnavailable
from filewallball.recording.coalescing import PLAIN_PER_MINUTE, Coalescer
from filewallball.recording.event import Event
from filewallball.recording.journal import Journal
from filewallball.recording.segments import recover
from tests.audit.processes import in_a_process_that_dies, read
from tests.fixtures.audit_log import LINE_MACS, make_event


class Now:
    """The present minute, as a test sets it: the wall clock and the time that really passes."""

    def __init__(self) -> None:
        self.wall_us = 0
        self.seconds = 0.0

    def coalescer(self, *callbacks: Any) -> Coalescer:
        return Coalescer(*callbacks, wall_us=lambda: self.wall_us, clock=lambda: self.seconds)

    def pass_by(self, seconds: float) -> None:
        self.wall_us += round(seconds * 1e6)
        self.seconds += seconds


def test_a_fold_holds_what_its_lines_say_when_the_process_is_killed(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    total = 250

    def work() -> None:
        written = make_journal()
        coalescer = Coalescer(written.opened, written.coalesced, written.closed)
        for _ in range(total):
            event = make_event(timestamp_us=60_000_000)
            written.opened(event)
            event.status, event.error_type = "denied", "auth_unknown"
            if not coalescer.absorb(event):
                written.closed(event)

    in_a_process_that_dies(work)
    recover(tmp_path / "journal/slot-0", LINE_MACS)

    closed = [line["e"] for line in read(tmp_path / "journal/slot-0") if line["k"] == "x"]
    assert [event["count"] for event in closed] == [1] * PLAIN_PER_MINUTE + [total - PLAIN_PER_MINUTE]
    assert {event["error_type"] for event in closed} == {"auth_unknown"}


def test_folds_end_with_their_minute_and_count_each_client_for_itself() -> None:
    opened: list[Event] = []
    closed: list[Event] = []
    now = Now()
    coalescer = now.coalescer(opened.append, lambda event, into: None, closed.append)

    for second in range(40):
        now.pass_by(3 if second else 0)
        for address in ("192.0.2.1", "192.0.2.2"):
            coalescer.absorb(make_event(ip_address=address, error_type="forbidden"))
    coalescer.close_due()
    assert len(closed) == 2
    now.pass_by(3)
    coalescer.close_due()

    assert [(fold.ip_address, fold.count) for fold in sorted(closed, key=lambda fold: fold.ip_address)] == [
        ("192.0.2.1", 10),
        ("192.0.2.1", 10),
        ("192.0.2.2", 10),
        ("192.0.2.2", 10),
    ]
    assert opened == sorted(closed, key=lambda fold: opened.index(fold))


def test_refusals_that_statistics_tell_apart_are_folded_apart() -> None:
    closed: list[Event] = []
    coalescer = Coalescer(lambda event: None, lambda event, into: None, closed.append)
    kinds: list[dict[str, Any]] = [
        {"file_type": "application/gzip"},
        {"file_type": "application/x-executable", "suspicious": True, "details": '{"suspicious":true}'},
        {"user_id": 7, "token_id": 9},
        {"cache": "hit"},
        {"over_limit": True},
        {"link_id": "a link"},
    ]

    for number in range(PLAIN_PER_MINUTE + 3 * len(kinds)):
        coalescer.absorb(
            make_event(
                timestamp_us=1,
                error_type="invalid_file_type",
                trace_id=f"{number:032x}",
                **kinds[number % len(kinds)],
            )
        )
    coalescer.close_all()

    assert [fold.count for fold in closed] == [3] * len(kinds)
    for kind in kinds:
        assert any(kind.items() <= vars(fold).items() for fold in closed), kind
    assert {fold.trace_id for fold in closed} == {""}  # it counts requests of many traces


def test_a_refusal_whose_line_cannot_be_written_is_not_counted() -> None:
    def full(*_: Event) -> None:
        raise AuditUnavailable

    closed: list[Event] = []
    coalescer = Coalescer(lambda event: None, full, closed.append)
    for _ in range(PLAIN_PER_MINUTE):
        coalescer.absorb(make_event(timestamp_us=1))

    with pytest.raises(AuditUnavailable):
        coalescer.absorb(make_event(timestamp_us=1))
    coalescer.close_all()

    assert closed == []


@pytest.mark.parametrize("jump_seconds", [-3600, -1, 3600, 86_400 * 365])
def test_a_clock_that_is_set_delays_no_fold_and_joins_no_two_minutes(jump_seconds: int) -> None:
    closed: list[Event] = []
    now = Now()
    now.pass_by(86_400 * 400)
    coalescer = now.coalescer(lambda event: None, lambda event, into: None, closed.append)
    for _ in range(PLAIN_PER_MINUTE + 5):
        coalescer.absorb(make_event())

    now.wall_us += jump_seconds * 1_000_000
    coalescer.close_due()
    for _ in range(PLAIN_PER_MINUTE + 7):
        coalescer.absorb(make_event())
    now.pass_by(60)
    coalescer.close_due()

    assert [fold.count for fold in closed] == [5, 7]


def test_a_fold_ends_after_a_minute_even_if_the_clock_stands_still() -> None:
    closed: list[Event] = []
    now = Now()
    coalescer = now.coalescer(lambda event: None, lambda event, into: None, closed.append)
    for _ in range(PLAIN_PER_MINUTE + 5):
        coalescer.absorb(make_event())

    now.seconds += 60
    coalescer.close_due()

    assert [fold.count for fold in closed] == [5]

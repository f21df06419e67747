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
    coalescer = Coalescer(opened.append, lambda event, into: None, closed.append)

    for address in ("192.0.2.1", "192.0.2.2"):
        for second in range(40):
            moment = second * 3_000_000
            coalescer.absorb(make_event(timestamp_us=moment, ip_address=address, error_type="forbidden"))
    coalescer.close_before(60_000_000)
    assert len(closed) == 2
    coalescer.close_before(120_000_000)

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
    ]

    for number in range(PLAIN_PER_MINUTE + 3 * len(kinds)):
        coalescer.absorb(
            make_event(timestamp_us=1, error_type="invalid_file_type", **kinds[number % len(kinds)])
        )
    coalescer.close_before(1 << 62)

    assert [fold.count for fold in closed] == [3] * len(kinds)
    for kind in kinds:
        assert any(kind.items() <= vars(fold).items() for fold in closed), kind


def test_a_refusal_whose_line_cannot_be_written_is_not_counted() -> None:
    def full(*_: Event) -> None:
        raise AuditUnavailable

    closed: list[Event] = []
    coalescer = Coalescer(lambda event: None, full, closed.append)
    for _ in range(PLAIN_PER_MINUTE):
        coalescer.absorb(make_event(timestamp_us=1))

    with pytest.raises(AuditUnavailable):
        coalescer.absorb(make_event(timestamp_us=1))
    coalescer.close_before(1 << 62)

    assert closed == []

"""The shipper: every ended event reaches the table exactly once, whatever is interrupted or repeated."""

import fcntl
import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from filewallball.recording import journal as journal_module
from filewallball.recording.event import Event
from filewallball.recording.segments import recover, segment_path, segments, signed
from harness.parts import Parts
from harness.servers import MariaDB
from tests.fixtures.audit_log import make_event, rows_of


def close_events(parts: Parts, count: int) -> list[Event]:
    """Operations that have ended, in the journal alone."""
    events = [make_event(resource_id=str(number)) for number in range(count)]
    for event in events:
        parts.journal.opened(event)
        parts.journal.closed(event)
    return events


def on_record(parts: Parts) -> list[str]:
    return [row.event_id for row in rows_of(parts, "SELECT event_id FROM audit_log ORDER BY id")]


def folder_of(parts: Parts) -> Path:
    return parts.settings.journal_dir / f"slot-{parts.slots.number()}"


def test_several_shippers_at_once_ship_everything_once(
    parts: Parts, set_config: Callable[..., Flask]
) -> None:
    other = Parts(set_config())
    events: list[Event] = []

    def write(mine: Parts) -> None:
        events.extend(close_events(mine, 400))

    def ship(mine: Parts) -> None:
        while any(writer.is_alive() for writer in writers):
            mine.shipper.ship()

    writers = [threading.Thread(target=write, args=(each,)) for each in (parts, other)]
    shippers = [threading.Thread(target=ship, args=(each,)) for each in (parts, other, parts)]
    for thread in (*writers, *shippers):
        thread.start()
    for thread in (*writers, *shippers):
        thread.join()
    parts.shipper.ship()

    assert sorted(on_record(parts)) == sorted(event.event_id for event in events)
    assert parts.shipper.backlog().events == 0


def test_what_was_shipped_is_removed_and_what_is_open_stays(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "SEGMENT_BYTES", 4096)
    first = make_event()
    close_events(parts, 50)
    parts.journal.opened(first)
    close_events(parts, 50)

    parts.shipper.ship()
    kept = [number for number, _ in segments(folder_of(parts))]
    parts.journal.closed(first)
    parts.journal.probe()
    close_events(parts, 20)
    parts.shipper.ship()

    assert len(kept) > 5  # from the one that `first` began in
    assert len(segments(folder_of(parts))) < 3
    assert len(set(on_record(parts))) == 121


@pytest.mark.parametrize("damage", ["lost", "torn", "stale"])
def test_a_cursor_that_is_lost_or_stale_repeats_nothing_and_keeps_nothing_for_ever(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(journal_module, "SEGMENT_BYTES", 4096)
    cursor = parts.settings.journal_dir / "shipped.json"
    opened = make_event()
    parts.journal.opened(opened)
    close_events(parts, 1)
    parts.shipper.ship()
    stale = cursor.read_bytes()
    parts.journal.closed(opened)
    close_events(parts, 60)
    parts.shipper.ship()

    if damage == "lost":
        cursor.unlink()
    else:
        cursor.write_bytes(stale if damage == "stale" else stale[:-3])
    close_events(parts, 60)
    parts.shipper.ship()

    assert len(on_record(parts)) == 122
    assert len(segments(folder_of(parts))) < 3


def test_a_change_that_committed_is_not_repeated_by_its_aborted_copy(
    parts: Parts, record: Callable[..., list[Event]]
) -> None:
    event = record(1)[0]
    event.status, event.error_type = "failed", "aborted"
    parts.journal.closed(event)

    parts.shipper.ship()

    assert [row.status for row in rows_of(parts, "SELECT status FROM audit_log")] == ["success"]


def test_lines_of_a_release_without_links_and_traces_become_rows_like_any_other(
    parts: Parts, row_format: int
) -> None:
    before, now = make_event(), make_event(link_id="a link", trace_id="7" * 32)
    aborted = make_event(trace_id="8" * 32)
    folder = parts.settings.journal_dir / "slot-50"
    folder.mkdir()
    path = segment_path(folder, 7)
    fields = {name: value for name, value in vars(before).items() if name not in ("link_id", "trace_id")}
    bodies = [{"k": "x", "e": fields}, {"k": "x", "e": now}, {"k": "o", "e": aborted}]
    path.write_bytes(signed(map(orjson.dumps, bodies), parts.macs.of_segment(path)))
    recover(folder, parts.macs)

    parts.shipper.ship()
    parts.sealer.run()

    rows = rows_of(parts, "SELECT event_id, format, link_id, trace_id FROM audit_log ORDER BY id")
    added = [(None, None), ("a link", "7" * 32), (None, "8" * 32)]
    assert [tuple(row) for row in rows] == [
        (event.event_id, row_format, *(values if row_format == 2 else (None, None)))
        for event, values in zip((before, now, aborted), added, strict=True)
    ]
    assert parts.verification.verifier().verify().findings == []


def test_an_event_that_no_database_takes_holds_up_no_other(parts: Parts) -> None:
    bad = make_event(username=None)
    path = parts.settings.journal_dir / "slot-77/000000000000001.jsonl"
    path.parent.mkdir()
    odd = {"event_id": "x", "timestamp_us": "soon", "action": "a", "ip_address": 5}
    path.write_bytes(
        signed([orjson.dumps({"k": "x", "e": each}) for each in (bad, odd)], parts.macs.of_segment(path))
    )
    good = close_events(parts, 3)

    parts.shipper.ship()

    assert set(on_record(parts)) >= {event.event_id for event in good}
    assert bad.event_id in (parts.settings.journal_dir / "rejected.jsonl").read_text()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_with_the_database_down_events_wait_and_are_counted(
    make_mariadb: Callable[[], MariaDB], prepared_mariadb: Path, environ: dict[str, str],
    set_config: Callable[..., Flask], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    server = make_mariadb()
    url = server.create_database(prepared_mariadb)
    parts = Parts(set_config(DATABASE_URL=url))
    close_events(parts, 5)
    parts.shipper.ship()

    server.kill()
    events = close_events(parts, 700)
    with pytest.raises(OperationalError):
        parts.shipper.ship()
    with caplog.at_level("WARNING", "filewallball.audit"):
        assert parts.shipper.flush() is False
    [told] = caplog.records
    assert vars(told)["error_type"] == "unavailable"
    assert not told.exc_info
    backlog = parts.shipper.backlog()
    assert (backlog.events, backlog.oldest_us) == (700, events[0].timestamp_us)

    server.start()
    parts.shipper.ship()

    assert parts.shipper.backlog().events == 0
    assert len(on_record(parts)) - _first_rows(parts) == 705
    server.stop()


def test_nobody_waits_long_for_a_pass_that_another_process_makes(parts: Parts) -> None:
    close_events(parts, 1)
    parts.shipper.ship()
    with (parts.settings.journal_dir / "ship.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert parts.shipper.flush(0.05) is False
    assert parts.shipper.flush() is True


def _first_rows(parts: Parts) -> int:
    return len(rows_of(parts, "SELECT id FROM audit_log WHERE action = 'token:create'"))


def test_a_slot_that_cannot_be_read_holds_up_no_other(parts: Parts) -> None:
    unreadable = parts.settings.journal_dir / "slot--1"  # the first to be looked at
    (unreadable / f"{1:015d}.jsonl").mkdir(parents=True)
    (event,) = close_events(parts, 1)

    with pytest.raises(IsADirectoryError):
        parts.shipper.ship()

    assert on_record(parts) == [event.event_id]

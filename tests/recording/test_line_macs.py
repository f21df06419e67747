"""The journal believes its own lines alone: what anybody else writes there is set aside, counted and told."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from filewallball.recording.event import Event
from filewallball.recording.line_macs import LineMacs
from filewallball.recording.segments import SegmentReader, recover, segment_path, segments
from harness.parts import Parts
from tests.audit.processes import in_a_process_that_dies, read
from tests.fixtures.audit_log import LINE_MACS, make_event, rows_of

_ODD: list[Any] = ["7", 7, -1, 2**63, 10**30, 1.5, True, None, [], {}, {"a": [1]}, "\x00", "x" * 70_000]


def forged_lines() -> Iterator[bytes]:
    """Lines that end an operation which never was: whole ones, and each field missing or of another kind."""
    whole = vars(make_event(username="intruder", status="success"))
    yield orjson.dumps({"k": "x", "e": whole})
    for name in whole:
        yield orjson.dumps({"k": "x", "e": {key: value for key, value in whole.items() if key != name}})
        for value in _ODD:
            text = orjson.dumps({"k": "x", "e": {**whole, name: "ODD"}})
            yield text.replace(b'"ODD"', str(value).encode() if type(value) is int else orjson.dumps(value))
    yield orjson.dumps({"k": "x", "e": {**whole, "unknown": 1}})
    yield orjson.dumps({"k": "x", "e": whole, "q": 1, "m": "0" * 32})
    yield orjson.dumps({"k": "x", "e": whole, "q": 1, "m": ["0"]})
    yield from (b"{}", b"[]", b"1", b'{"k":[]}', b'{"k":"x"}', b'{"k":"c","i":{}}', b"\xff\xfe", b"\0" * 100)


def test_forged_lines_never_reach_the_log_and_are_counted(parts: Parts) -> None:
    before, path = _close_events(parts, 3), _segment(parts)
    lines = list(forged_lines())
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    after = _close_events(parts, 3)

    assert parts.shipper.ship()
    parts.sealer.run()

    assert _on_record(parts) == [event.event_id for event in before + after]
    assert _rejected(parts) == {"forged": len(lines)}
    assert parts.shipper.waiting()["problem"].startswith("lines were rejected")
    assert parts.verification.verifier().verify().findings == []
    assert [line.text for line in parts.reconciliation.lines() if not line.agrees] == []
    parts.shipper.ship()
    assert _rejected(parts) == {"forged": len(lines)}  # told once


@pytest.mark.parametrize("place", ["a later segment", "an earlier segment", "another slot"])
def test_lines_that_were_moved_are_forged(parts: Parts, place: str) -> None:
    _close_events(parts, 2)
    path = _segment(parts)
    number = {"a later segment": int(path.stem) + 5, "an earlier segment": 7, "another slot": int(path.stem)}
    folder = parts.settings.journal_dir / "slot-99" if place == "another slot" else path.parent
    folder.mkdir(exist_ok=True)
    segment_path(folder, number[place]).write_bytes(path.read_bytes())
    later = _close_events(parts, 2)

    parts.shipper.ship()
    later += _close_events(parts, 2)
    parts.shipper.ship()

    assert len(_on_record(parts)) == 6
    assert set(_on_record(parts)) >= {event.event_id for event in later}
    assert _rejected(parts) == {"forged": 4}


@pytest.mark.parametrize(
    ("change", "told", "kept"),
    [
        (lambda lines: [*lines, *lines], {"repeated": 6}, 3),
        (lambda lines: [*lines, lines[1]], {"repeated": 1}, 3),
        (lambda lines: [*lines[:2], *lines[4:]], {"missing": 2}, 2),
        (lambda lines: lines[2:], {"missing": 2}, 2),
        (lambda lines: [*lines[:1], *lines[3:5], lines[1], *lines[5:]], {"missing": 2, "repeated": 1}, 2),
        (lambda lines: lines[:4], {}, 2),
    ],
    ids=["all twice", "one twice", "some removed", "the first removed", "reordered", "cut off"],
)  # fmt: skip
def test_lines_repeated_reordered_or_removed_are_told(
    parts: Parts, change: Callable[[list[bytes]], list[bytes]], told: dict[str, int], kept: int
) -> None:
    _close_events(parts, 3)
    path = _segment(parts)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    parts.shipper.ship()

    assert len(_on_record(parts)) == kept
    assert _rejected(parts) == told


def test_a_file_cut_at_any_byte_alarms_nobody(make_journal: Callable[..., Any], tmp_path: Path) -> None:
    journal = make_journal()
    for _ in range(3):
        journal.opened(event := make_event(user_agent="x" * 20))
        journal.closed(event)
    ((_, path),) = segments(tmp_path / "journal/slot-0")
    data = path.read_bytes()

    for size in range(len(data) + 1):
        rejected: list[Any] = []
        whole = data[: data.rfind(b"\n", 0, size) + 1]
        found = list(SegmentReader(LINE_MACS.of_segment(path)).read(data[:size], rejected))
        assert len(found) == whole.count(b"\n")
        assert rejected == []


@pytest.mark.parametrize("repeats", [1, 5])
def test_a_repeated_line_counts_no_refusal_twice(
    make_journal: Callable[..., Any], tmp_path: Path, repeats: int
) -> None:
    refusal, flood = make_event(), make_event(status="denied", error_type="rate_limited", count=0)

    def work() -> None:
        journal = make_journal()
        for event in (refusal, flood):
            journal.opened(event)
        journal.coalesced(refusal, flood)
        ((_, path),) = segments(tmp_path / "journal/slot-0")
        with path.open("ab") as file:
            file.write(path.read_bytes().splitlines(keepends=True)[-1] * repeats)

    in_a_process_that_dies(work)
    folder = tmp_path / "journal/slot-0"
    assert recover(folder, LINE_MACS) == 1
    assert [line["e"]["count"] for line in read(folder) if line["k"] == "x"] == [1]


def test_an_open_line_that_was_forged_is_not_recovered(tmp_path: Path) -> None:
    path = tmp_path / "slot-0/000000000000001.jsonl"
    path.parent.mkdir()
    forged = orjson.dumps({"k": "o", "e": make_event()})
    path.write_bytes(forged + b"\n" + LineMacs(b"another key").of_segment(path).sign(forged, 1))

    assert recover(path.parent, LINE_MACS) == 0


@pytest.mark.parametrize("how", ["link", "pipe", "socket number", "folder link", "too large a number", "²"])
def test_odd_files_in_the_journal_hold_nothing_up(parts: Parts, tmp_path: Path, how: str) -> None:
    _close_events(parts, 1)
    folder = _segment(parts).parent
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("secret\n")
    if how == "link":
        (folder / f"{1:015d}.jsonl").symlink_to(elsewhere)
    elif how == "pipe":
        os.mkfifo(folder / f"{1:015d}.jsonl")
    elif how == "folder link":
        (parts.settings.journal_dir / "slot-x").symlink_to(folder)
    else:
        name = {"²": "²" * 15, "too large a number": "9" * 40, "socket number": "1" * 300}[how][:200]
        (folder / f"{name}.jsonl").write_text("junk\n")

    assert parts.shipper.ship()

    assert len(_on_record(parts)) == 1
    assert _rejected(parts) == {}


@pytest.mark.parametrize("target", ["link", "folder"])
def test_a_planted_rejected_file_is_never_written_through(parts: Parts, tmp_path: Path, target: str) -> None:
    path = parts.settings.journal_dir / "rejected.jsonl"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    path.symlink_to(elsewhere) if target == "link" else path.mkdir()
    (event,) = _close_events(parts, 1)
    with _segment(parts).open("ab") as file:
        file.write(b"junk\n")

    assert parts.shipper.ship()

    assert _on_record(parts) == [event.event_id]
    assert elsewhere.read_text() == ""


def test_a_process_with_another_key_ships_and_rejects_nothing(
    parts: Parts, set_config: Callable[..., Any]
) -> None:
    (event,) = _close_events(parts, 1)
    other = Parts(set_config(AUDIT_SEAL_KEY="another key, of which nobody told this host"))

    assert other.shipper.flush() is False
    parts.shipper.ship()

    assert _on_record(parts) == [event.event_id]
    assert _rejected(parts) == {}


def test_random_tampering_with_the_journal_forges_nothing_and_hides_little(
    parts: Parts, rounds: Callable[[int, int], int]
) -> None:
    """What is on record is what was done; what is not was cut off at the end, or is told."""
    told = 0
    for seed in range(rounds(60, 600)):
        draw = random.Random(seed)
        events = {event.event_id: event for event in _close_events(parts, 6)}
        path = _segment(parts)
        before = path.read_bytes()
        path.write_bytes(_tampered(draw, before))
        rejected = sum(_rejected(parts).values())
        parts.shipper.ship()

        rows = rows_of(parts, "SELECT event_id, username, resource_id FROM audit_log")
        found = {row.event_id: row for row in rows if row.event_id in events}
        assert len(rows) == len(found), seed
        for event_id, row in found.items():
            assert row.username == events[event_id].username, seed
        if before.startswith(path.read_bytes()) and path.read_bytes() != before:
            pass  # cut off: as after a crash
        elif len(found) < len(events):
            told += 1
            assert sum(_rejected(parts).values()) > rejected, seed
        _begin_again(parts, path)
    assert told > 10


def _tampered(draw: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    place = draw.randrange(len(data))
    kinds: list[Callable[[], bytes]] = [
        lambda: data[:place] + bytes([data[place] ^ (1 << draw.randrange(8))]) + data[place + 1 :],
        lambda: data[:place],
        lambda: data[:place] + draw.randbytes(20) + data[place:],
        lambda: data[:place] + bytes(200) + data[place + 200 :],
        lambda: b"".join(lines[:at] + lines[at + 1 :]),
        lambda: b"".join([*lines[:at], lines[other], *lines[at:]]),
        lambda: b"".join(draw.sample(lines, len(lines))),
        lambda: data.replace(b"192.0.2.7", b"192.0.2.8", 1),
        lambda: data.replace(b'"success"', b'"failed"', draw.randint(1, 9)),
        lambda: data.replace(b'"k":"o"', b'"k":"x"', 1),
    ]
    return draw.choice(kinds)()


def _begin_again(parts: Parts, path: Path) -> None:
    with parts.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit_log")
    parts.journal.close()
    path.unlink()


def _close_events(parts: Parts, count: int) -> list[Event]:
    events = [make_event(resource_id=str(number)) for number in range(count)]
    for event in events:
        parts.journal.opened(event)
        parts.journal.closed(event)
    return events


def _segment(parts: Parts) -> Path:
    folder = parts.settings.journal_dir / f"slot-{parts.slots.number()}"
    return segments(folder)[-1][1]


def _on_record(parts: Parts) -> list[str]:
    return [row.event_id for row in rows_of(parts, "SELECT event_id FROM audit_log ORDER BY id")]


def _rejected(parts: Parts) -> dict[str, int]:
    path = parts.settings.journal_dir / "rejected.jsonl"
    found: Counter[str] = Counter()
    if path.is_file():
        for line in path.read_bytes().splitlines():
            entry = orjson.loads(line)
            found[entry["reason"]] += entry["count"]
    return dict(found)

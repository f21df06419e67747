"""Lines that a release without macs left are taken once, when this one is first prepared, and never again."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from filewallball.clock import now_us
from filewallball.errors import AuditBroken
from filewallball.observability.metric_store.slots import Slots
from filewallball.recording import adoption
from filewallball.recording.event import Event
from filewallball.recording.segments import recover, segments
from harness.parts import Parts
from tests.fixtures.audit_log import make_event, rows_of


@pytest.fixture
def before(parts: Parts) -> Parts:
    """The parts of a host on which this release was never prepared."""
    _marker(parts).unlink()
    return parts


def test_lines_of_the_earlier_release_are_taken_when_this_one_is_first_prepared(before: Parts) -> None:
    ended, left = make_event(), make_event()
    _write(before, _line("o", ended), _line("x", ended), _line("o", left), b'{"k":"c","i":"', b"")

    before.adoption.adopt()
    recover(_folder(before), before.macs)
    before.shipper.ship()

    assert sorted(_on_record(before)) == sorted([(ended.event_id, ""), (left.event_id, "aborted")])
    assert before.adoption.state() == adoption.DONE


def test_they_are_taken_once(before: Parts) -> None:
    before.adoption.adopt()
    _write(before, _line("x", make_event()))

    before.adoption.adopt()
    before.shipper.ship()

    assert _on_record(before) == []
    assert _rejected(before)


def test_before_that_they_wait_and_later_lines_with_them(before: Parts) -> None:
    _write(before, _line("x", earlier := make_event()))
    before.journal.opened(later := make_event())
    before.journal.closed(later)

    with pytest.raises(AuditBroken):
        before.shipper.ship()
    assert _on_record(before) == [(later.event_id, "")]  # of the other slot
    assert not _rejected(before)

    before.adoption.adopt()
    before.shipper.ship()
    assert (earlier.event_id, "") in _on_record(before)


def test_a_process_of_the_earlier_release_that_still_runs_loses_nothing(before: Parts) -> None:
    old = Slots(before.settings.slots_dir)
    event = make_event()
    _write(before, _line("o", event), slot=old.number())
    before.adoption.adopt()
    assert before.adoption.state() == adoption.UNDER_WAY

    _write(before, _line("x", event), slot=old.number())
    before.adoption.go_on()
    assert before.adoption.state() == adoption.UNDER_WAY
    old.release()
    before.adoption.go_on()
    before.shipper.ship()

    assert before.adoption.state() == adoption.DONE
    assert _on_record(before) == [(event.event_id, "")]


def test_it_is_not_under_way_for_ever(before: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Slots(before.settings.slots_dir)
    _write(before, _line("x", make_event()), slot=old.number())
    before.adoption.adopt()
    tomorrow = now_us() + 25 * 3600 * 1_000_000
    monkeypatch.setattr(adoption, "now_us", lambda: tomorrow)

    assert before.adoption.state() == adoption.DONE
    before.shipper.ship()
    assert _on_record(before) == []
    old.release()


@pytest.mark.parametrize("name", ["timestamp_us", "count", "username", "suspicious", "event_id", "details"])
@pytest.mark.parametrize("value", [None, [], {}, 1.5, -1, 2**63, "7", 7, True])
def test_lines_of_odd_types_are_not_taken(before: Parts, name: str, value: Any) -> None:
    event = make_event()
    if type(value) is type(getattr(event, name)) and value not in (-1, 2**63):
        value = [value]
    _write(
        before, _line("x", good := make_event()), orjson.dumps({"k": "x", "e": {**vars(event), name: value}})
    )

    before.adoption.adopt()
    before.shipper.ship()
    before.sealer.run()

    assert _on_record(before) == [(good.event_id, "")]
    assert before.verification.verifier().verify().findings == []


@pytest.mark.parametrize("content", [b"", b"done", b"0" * 32 + b"\ndone", b"\xff"])
def test_a_marker_that_is_not_this_keys_lets_nothing_in(parts: Parts, content: bytes) -> None:
    _marker(parts).write_bytes(content)
    _write(parts, _line("x", make_event()))

    parts.adoption.adopt()

    assert parts.adoption.state() == adoption.OTHER_KEY
    with pytest.raises(AuditBroken):
        parts.shipper.ship()
    assert _on_record(parts) == []


def test_the_previous_release_reads_the_lines_of_this_one(parts: Parts) -> None:
    """It takes every line that is JSON and has what its kind needs, and skips what it does not know."""
    parts.journal.opened(event := make_event())
    parts.journal.closed(event)
    ((_, path),) = segments(_folder(parts, parts.slots.number()))

    lines = [orjson.loads(raw) for raw in path.read_bytes().splitlines()]
    assert [line["k"] for line in lines] == ["o", "x"]
    assert all(Event.from_json(line["e"]) == event for line in lines)


def _line(kind: str, event: Event) -> bytes:
    return orjson.dumps({"k": kind, "e": event})


def _write(parts: Parts, *lines: bytes, slot: int = 50) -> None:
    folder = _folder(parts, slot)
    folder.mkdir(exist_ok=True)
    with (folder / f"{7:015d}.jsonl").open("ab") as file:
        file.write(b"\n".join(lines) if not lines[-1] else b"\n".join(lines) + b"\n")


def _folder(parts: Parts, slot: int = 50) -> Path:
    return parts.settings.journal_dir / f"slot-{slot}"


def _marker(parts: Parts) -> Path:
    return parts.settings.data_dir / "journal-macs"


def _on_record(parts: Parts) -> list[tuple[str, str]]:
    rows = rows_of(parts, "SELECT event_id, error_type FROM audit_log ORDER BY id")
    return [(row.event_id, row.error_type) for row in rows]


def _rejected(parts: Parts) -> bool:
    return (parts.settings.journal_dir / "rejected.jsonl").exists()

"""The shipper's positions: whatever `shipped.json` says, every ended operation is on record once."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from filewallball.recording import journal as journal_module
from filewallball.recording.positions import Mark, Position, save_positions
from filewallball.recording.segments import segment_path, segments
from harness.parts import Parts
from tests.fixtures.audit_log import make_event, rows_of

Damage = Callable[[Parts, Path, bytes], object]


def _ahead_by_the_earlier_format(parts: Parts, cursor: Path, stale: bytes) -> None:
    slot = f"slot-{parts.slots.number()}"
    cursor.write_bytes(orjson.dumps({slot: {"segment": 10**15 - 1, "offset": 10**9, "began": {}}}))


def _ahead_with_a_mac(parts: Parts, cursor: Path, stale: bytes) -> None:
    slot = f"slot-{parts.slots.number()}"
    number, path = segments(parts.settings.journal_dir / slot)[-1]
    marks = {number: Mark(path.stat().st_size + 1, 10**6), number + 7: Mark(5, 5)}
    save_positions(parts.settings.journal_dir, parts.macs, {slot: Position(marks)}, {})


def _of_another_host(parts: Parts, cursor: Path, stale: bytes) -> None:
    slot = f"slot-{parts.slots.number()}"
    save_positions(
        parts.settings.journal_dir, parts.macs, {slot: Position({10**14: Mark(9, 9)}, {"a": 10**14})}, {}
    )


DAMAGES: dict[str, Damage] = {
    "missing": lambda parts, cursor, stale: cursor.unlink(),
    "behind": lambda parts, cursor, stale: cursor.write_bytes(stale),
    "cut": lambda parts, cursor, stale: cursor.write_bytes(cursor.read_bytes()[:-3]),
    "empty": lambda parts, cursor, stale: cursor.write_bytes(b""),
    "edited": lambda parts, cursor, stale: cursor.write_bytes(cursor.read_bytes().replace(b"1", b"2")),
    "of other kinds": lambda parts, cursor, stale: cursor.write_bytes(b'{"slot-0":{"marks":[]}}'),
    "ahead, as an earlier release wrote it": _ahead_by_the_earlier_format,
    "ahead, with a mac": _ahead_with_a_mac,
    "of another host": _of_another_host,
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_position_loses_an_event_or_counts_it_twice(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(journal_module, "SEGMENT_BYTES", 4096)
    cursor = parts.settings.journal_dir / "shipped.json"
    parts.journal.opened(pending := make_event())
    _close_events(parts, 1)
    parts.shipper.ship()
    stale = cursor.read_bytes()
    _close_events(parts, 30)
    parts.shipper.ship()
    _close_events(parts, 5)

    DAMAGES[damage](parts, cursor, stale)
    parts.shipper.ship()
    parts.journal.closed(pending)
    _close_events(parts, 30)
    parts.shipper.ship()

    rows = rows_of(parts, "SELECT event_id FROM audit_log")
    assert len({row.event_id for row in rows}) == len(rows) == 67
    assert not (parts.settings.journal_dir / "rejected.jsonl").exists()
    assert len(segments(parts.settings.journal_dir / f"slot-{parts.slots.number()}")) < 3


def test_a_planted_segment_of_the_future_hides_no_later_line(parts: Parts) -> None:
    _close_events(parts, 2)
    folder = parts.settings.journal_dir / f"slot-{parts.slots.number()}"
    segment_path(folder, 10**15 - 5).write_text("junk\n")
    parts.shipper.ship()
    _close_events(parts, 2)
    parts.shipper.ship()
    parts.journal.close()
    _close_events(parts, 2)
    parts.shipper.ship()

    assert len(rows_of(parts, "SELECT id FROM audit_log")) == 6


def _close_events(parts: Parts, count: int) -> None:
    for _ in range(count):
        parts.journal.opened(event := make_event())
        parts.journal.closed(event)

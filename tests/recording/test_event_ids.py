"""Ids of events: they only grow on a host, and ages told by them stay right, whatever the wall clock does."""

from pathlib import Path

import pytest

from filewallball.recording import event_ids
from filewallball.recording.event_ids import EventIds, note_anchor, read_anchor

HOUR_US = 3_600_000_000


class Clocks:
    """The wall clock and the clock since boot, both set by the test."""

    def __init__(self) -> None:
        self.wall_us = 1_800_000_000_000_000
        self.boot_us = 5_000_000
        self.boot_id = "one"

    def pass_by(self, seconds: float) -> None:
        self.wall_us += round(seconds * 1e6)
        self.boot_us += round(seconds * 1e6)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Clocks in place of the host's."""
    clocks = Clocks()
    monkeypatch.setattr(event_ids, "now_us", lambda: clocks.wall_us)
    monkeypatch.setattr(event_ids, "_since_boot_us", lambda: clocks.boot_us)
    monkeypatch.setattr(event_ids, "_boot_id", lambda: clocks.boot_id)
    return clocks


def test_ids_grow_while_the_clock_is_set_to_and_fro(clocks: Clocks, tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    made = []
    for jump_us in (0, -HOUR_US, 3 * HOUR_US, -24 * HOUR_US, 0):
        clocks.wall_us += jump_us
        for process in (EventIds(path), EventIds(path)):
            clocks.pass_by(0.01)
            made.append(process.new())
        note_anchor(path)  # the service starts anew
        clocks.pass_by(0.01)
        first_id = read_anchor(path).first_id  # type: ignore[union-attr]
        following = EventIds(path).new()
        assert made[-1] < first_id <= following
        made.append(following)

    assert made[2:] == sorted(made[2:])  # before the first start there is only the wall clock
    assert all(each[14] == "7" for each in made)


def test_an_id_of_the_same_millisecond_as_the_start_is_not_below_it(clocks: Clocks, tmp_path: Path) -> None:
    note_anchor(tmp_path / "epoch")

    assert EventIds(tmp_path / "epoch").new() >= read_anchor(tmp_path / "epoch").first_id  # type: ignore[union-attr]


def test_no_thread_goes_by_the_wall_clock_while_another_is_the_first_to_read_the_anchor(
    clocks: Clocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_anchor(tmp_path / "epoch")
    first_id = read_anchor(tmp_path / "epoch").first_id  # type: ignore[union-attr]
    clocks.wall_us -= HOUR_US
    ids, others = EventIds(tmp_path / "epoch"), list[str]()

    def read_while_another_thread_makes_an_id(path: Path) -> event_ids.Anchor | None:
        monkeypatch.setattr(event_ids, "read_anchor", read_anchor)
        others.append(ids.new())
        return read_anchor(path)

    monkeypatch.setattr(event_ids, "read_anchor", read_while_another_thread_makes_an_id)

    assert ids.new() >= first_id
    assert others[0] >= first_id


def test_another_boot_goes_on_by_the_wall_clock(clocks: Clocks, tmp_path: Path) -> None:
    note_anchor(tmp_path / "epoch")
    before = EventIds(tmp_path / "epoch").new()
    clocks.pass_by(60)
    clocks.boot_us, clocks.boot_id = 1_000_000, "two"

    assert EventIds(tmp_path / "epoch").new() > before
    clocks.wall_us -= HOUR_US
    note_anchor(tmp_path / "epoch")
    assert EventIds(tmp_path / "epoch").new() > before


def test_the_age_of_an_event_does_not_change_with_the_clock(clocks: Clocks, tmp_path: Path) -> None:
    note_anchor(tmp_path / "epoch")
    ids = EventIds(tmp_path / "epoch")
    made = ids.new()
    clocks.pass_by(30)

    ages = []
    for jump_us in (0, -HOUR_US, 2 * HOUR_US):
        clocks.wall_us += jump_us
        ages.append(ids.age_seconds(made))

    assert ages == pytest.approx([30, 30, 30], abs=0.01)
    assert ids.age_seconds("no id") == 0


@pytest.mark.parametrize("text", ["", "x", "1 2", "1 2 three four"])
def test_an_anchor_of_another_release_or_none_leaves_the_wall_clock(
    clocks: Clocks, tmp_path: Path, text: str
) -> None:
    (tmp_path / "epoch").write_text(text)

    assert EventIds(tmp_path / "epoch").age_seconds(EventIds(tmp_path / "epoch").new()) < 0.01

"""The journal: nothing is done that is not on disk, and every open line gets exactly one end, whatever dies."""

import errno
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball.errors import AuditUnavailable
from filewallball.recording import ballast, journal
from filewallball.recording.journal import Journal
from filewallball.recording.segments import recover, segments
from tests.audit.processes import in_a_process_that_dies, read
from tests.fixtures.audit_log import LINE_MACS, make_event
from tests.fixtures.syncs import Sync


def test_what_a_killed_process_left_open_is_closed_as_aborted_by_the_next_owner(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    ended, committed, left = make_event(), make_event(), make_event(action="file:upload", suspicious=True)

    def work() -> None:
        first = make_journal()
        for event in (ended, committed, left):
            first.opened(event)
        first.closed(ended)
        first.committed(committed)

    in_a_process_that_dies(work)
    make_journal().probe()

    closed = [line["e"] for line in read(tmp_path / "journal/slot-0") if line["k"] == "x"]
    assert [event["event_id"] for event in closed] == [ended.event_id, left.event_id]
    assert (closed[1]["status"], closed[1]["error_type"]) == ("failed", "aborted")


def test_the_folder_of_a_new_slot_and_its_first_segment_are_on_the_disk_before_a_line_is(
    make_journal: Callable[..., Journal], tmp_path: Path, synced: list[Sync]
) -> None:
    make_journal().probe()

    folder = tmp_path / "journal"
    segment = next((folder / "slot-0").iterdir())
    assert synced == [Sync(folder, ("slot-0",)), Sync(folder / "slot-0", (segment.name,))]


def test_an_ownerless_slot_is_closed_once_however_often_it_is_recovered(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    in_a_process_that_dies(lambda: make_journal().opened(make_event()))
    folder = tmp_path / "journal/slot-0"

    assert [recover(folder, LINE_MACS), recover(folder, LINE_MACS)] == [1, 0]
    make_journal().probe()

    assert [line["k"] for line in read(folder)] == ["o", "x", "p"]


def test_a_torn_line_hides_nothing_that_came_before_or_comes_after(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    left = make_event()

    def work() -> None:
        first = make_journal()
        first.opened(left)
        path = segments(tmp_path / "journal/slot-0")[-1][1]
        with path.open("ab") as file:
            file.write(b'{"k":"x","e":{"event_id":"' + left.event_id.encode())

    in_a_process_that_dies(work)
    make_journal().probe()

    assert [line["k"] for line in read(tmp_path / "journal/slot-0")] == ["o", "x", "p"]


@pytest.mark.parametrize(
    "junk",
    [
        b"\0" * 5000,
        b"{}\n[]\n1\n",
        b'{"k":[]}\n{"k":"c","i":{}}\n{"k":"o","e":{"event_id":[],"timestamp_us":0,"action":""}}\n',
        b'{"k":"x"}\n{"k":"o","e":{}}\n{"k":"?"}\n',
        b"\xff\xfe\n",
    ],
)
def test_junk_in_a_segment_is_passed_over(
    make_journal: Callable[..., Journal], tmp_path: Path, junk: bytes
) -> None:
    def work() -> None:
        make_journal().opened(make_event())
        with segments(tmp_path / "journal/slot-0")[-1][1].open("ab") as file:
            file.write(junk)

    in_a_process_that_dies(work)

    assert recover(tmp_path / "journal/slot-0", LINE_MACS) == 1


def test_what_follows_megabytes_of_junk_is_read_all_the_same(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    event = make_event()

    def work() -> None:
        written = make_journal()
        written.opened(event)
        with segments(tmp_path / "journal/slot-0")[-1][1].open("ab") as file:
            file.write(b"\0" * 2_500_000 + b"\n")
        written.closed(event)

    in_a_process_that_dies(work)

    assert recover(tmp_path / "journal/slot-0", LINE_MACS) == 0


def test_a_segment_is_followed_by_another_and_nothing_is_lost_between(
    make_journal: Callable[..., Journal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 4096)
    written = make_journal(sync_each=True)
    events = [make_event() for _ in range(60)]
    for event in events:
        written.opened(event)
    written.sync()

    assert len(segments(tmp_path / "journal/slot-0")) > 3
    assert [line["e"]["event_id"] for line in read(tmp_path / "journal/slot-0")] == [
        event.event_id for event in events
    ]


def test_without_room_nothing_begins_and_what_ends_is_written_once_there_is_room_again(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    written, before, refused = make_journal(), make_event(), make_event()
    written.opened(before)
    path = segments(tmp_path / "journal/slot-0")[-1][1]

    with _no_file_beyond(path.stat().st_size + 100):  # the next line does not fit: a short write, then none
        with pytest.raises(AuditUnavailable):
            written.opened(refused)
        with pytest.raises(AuditUnavailable):
            written.closed(before)
        with pytest.raises(AuditUnavailable):
            written.probe()
    written.probe()

    assert [(line["k"], line.get("e", {}).get("event_id")) for line in read(tmp_path / "journal/slot-0")] == [
        ("o", before.event_id),
        ("x", before.event_id),
        ("p", None),
    ]


def test_a_full_disk_lets_the_ballast_go(
    make_journal: Callable[..., Journal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = make_journal()
    written.prepare()
    assert (tmp_path / "journal/ballast").stat().st_blocks * 512 >= ballast.BALLAST_BYTES
    real_write = os.write

    def write(fd: int, data: bytes) -> int:
        if (tmp_path / "journal/ballast").exists():
            raise OSError(errno.ENOSPC, "no space")
        return real_write(fd, data)

    monkeypatch.setattr(os, "write", write)
    written.opened(make_event())

    assert [line["k"] for line in read(tmp_path / "journal/slot-0")] == ["o"]
    assert not (tmp_path / "journal/ballast").exists()
    ballast.restore(tmp_path / "journal")
    assert (tmp_path / "journal/ballast").exists()


def test_after_a_failed_sync_the_journal_goes_on_in_another_file(
    make_journal: Callable[..., Journal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = make_journal()
    written.opened(make_event())
    real_sync = os.fdatasync
    failures = iter([errno.EIO])

    def sync(fd: int) -> None:
        for number in failures:
            raise OSError(number, "broken")
        real_sync(fd)

    monkeypatch.setattr(os, "fdatasync", sync)
    with pytest.raises(OSError, match="broken"):
        written.sync()
    written.opened(make_event())

    assert len(segments(tmp_path / "journal/slot-0")) == 2


def test_a_start_that_fails_leaves_no_litter(make_journal: Callable[..., Journal], tmp_path: Path) -> None:
    in_a_process_that_dies(lambda: make_journal().opened(make_event()))
    folder = tmp_path / "journal/slot-0"
    written, fds = make_journal(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting

    with _no_file_beyond(0):
        for _ in range(5):
            with pytest.raises(AuditUnavailable):
                written.opened(make_event())

    assert len(segments(folder)) == 1
    assert len(os.listdir("/proc/self/fd")) - fds <= 1  # noqa: PTH208
    written.probe()
    assert [line["k"] for line in read(folder)] == ["o", "x", "p"]


def test_text_that_no_sink_takes_is_written_all_the_same(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    make_journal().opened(make_event(user_agent="\ud800 lone", details='{"a":"\udfff"}'))

    (line,) = read(tmp_path / "journal/slot-0")
    assert line["e"]["user_agent"] == "? lone"


class _no_file_beyond:  # noqa: N801 - reads as a statement
    """Files of this process cannot grow past `size` while inside, as on a full disk."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> None:
        self._handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._limits[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
        signal.signal(signal.SIGXFSZ, self._handler)

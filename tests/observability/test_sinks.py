"""Many processes share one rotating log file and lose nothing; a sink that does not take a line never blocks."""

import os
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from filewallball.observability.sinks import ConsoleSink, FileSink
from harness.waiting import wait_until

_WRITER = """
import sys, pathlib
from filewallball.observability.sinks import FileSink
path, name, count, size, backups = pathlib.Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
sink = FileSink(path, size, backups)
for number in range(count):
    sink.write(f"{name} {number} {'x' * 80}\\n".encode())
"""


def all_lines(path: Path) -> list[str]:
    files = [path, *path.parent.glob(f"{path.name}.[0-9]*")]
    return [line for file in files if file.exists() for line in file.read_text().splitlines()]


def drops(sink: FileSink | ConsoleSink) -> list[int]:
    seen: list[int] = []
    sink.dropped = lambda: seen.append(1)
    return seen


def test_four_processes_rotate_one_file_and_lose_no_line(tmp_path: Path) -> None:
    path, count = tmp_path / "logs" / "service.log", 3000
    arguments = [str(count), str(64 * 1024), "100"]
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name, *arguments]) for name in "abcd"
    ]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    numbers = Counter(tuple(line.split()[:2]) for line in all_lines(path))
    assert numbers == Counter({(name, str(number)): 1 for name in "abcd" for number in range(count)})
    assert len(list(path.parent.glob("service.log.[0-9]*"))) >= 10


def test_no_more_old_files_are_kept_than_wanted(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    sink = FileSink(path, 100, 3)
    for number in range(50):
        sink.write(f"line {number} {'x' * 40}\n".encode())
    assert sorted(file.name for file in tmp_path.glob("service.log.?")) == [
        "service.log.1",
        "service.log.2",
        "service.log.3",
    ]
    assert all_lines(path)[0].startswith("line 48")
    assert (tmp_path / "service.log.1").read_text().startswith("line 46")


@pytest.mark.parametrize(("max_bytes", "backups"), [(0, 5), (100, 0)])
def test_without_a_size_or_a_number_of_files_nothing_rotates(
    tmp_path: Path, max_bytes: int, backups: int
) -> None:
    sink = FileSink(tmp_path / "service.log", max_bytes, backups)
    for _ in range(20):
        sink.write(b"x" * 50 + b"\n")
    assert len(all_lines(tmp_path / "service.log")) == 20
    assert [file.name for file in tmp_path.iterdir()] == ["service.log"]


def test_a_file_renamed_or_removed_by_others_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    sink = FileSink(path, 10_000, 5)
    sink.write(b"one\n")
    path.rename(tmp_path / "moved.log")
    sink.write(b"two\n")
    path.unlink()
    sink.write(b"three\n")
    assert (tmp_path / "moved.log").read_text() == "one\n"
    assert path.read_text() == "three\n"


def test_a_fork_in_between_keeps_every_line_whole(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    sink = FileSink(path, 0, 0)
    sink.write(b"before\n")
    child = os.fork()
    if child == 0:
        sink.write(b"child\n")
        os._exit(0)
    os.waitpid(child, 0)
    sink.write(b"parent\n")
    assert path.read_text() == "before\nchild\nparent\n"


def test_a_full_disk_drops_lines_and_says_so(tmp_path: Path) -> None:
    sink = FileSink(Path("/dev/full"), 100, 5)
    seen = drops(sink)
    sink.write(b"lost\n")
    assert seen == [1]


def test_a_line_cut_by_a_full_disk_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    child = os.fork()
    if child == 0:
        sink = FileSink(path, 0, 0)
        sink.write(b"0123456789\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, resource.RLIM_INFINITY))
        sink.write(b"cut in the middle\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        sink.write(b"whole\n")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert path.read_text() == "0123456789\ncut i\nwhole\n"


def test_an_unusable_path_drops_lines_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    sink = FileSink(tmp_path / "file" / "service.log", 100, 5)
    seen = drops(sink)
    sink.write(b"lost\n")
    assert seen == [1]


def test_a_file_that_cannot_be_rotated_is_still_written(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    (tmp_path / "service.log.lock").mkdir()
    sink = FileSink(path, 20, 5)
    for _ in range(5):
        sink.write(b"0123456789\n")
    assert len(path.read_text().splitlines()) == 5


def test_a_fifo_without_a_reader_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    sink = FileSink(path, 100, 5)
    seen = drops(sink)
    sink.write(b"lost\n")
    assert seen == [1]


def test_a_fifo_whose_reader_stands_still_blocks_nobody_and_goes_on_when_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = FileSink(path, 100, 5)
    seen = drops(sink)
    while not seen:
        sink.write(b"x" * 1000 + b"\n")
    os.read(reader, 1 << 20)
    before = len(seen)
    sink.write(b"again\n")
    assert len(seen) == before
    assert os.read(reader, 100).endswith(b"again\n")
    os.close(reader)


def test_a_console_pipe_nobody_reads_blocks_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    sink = ConsoleSink(writing)
    seen = drops(sink)
    started = time.monotonic()
    while len(seen) < 3:
        sink.write(b"x" * 1000 + b"\n")
    assert time.monotonic() - started < 10
    assert os.get_blocking(writing)
    sink.close()
    os.close(reading)
    os.close(writing)


def test_a_console_that_is_a_socket_blocks_nobody() -> None:
    near, far = socket.socketpair()
    sink = ConsoleSink(near.fileno())
    seen = drops(sink)
    sink.write(b"hello\n")
    assert far.recv(100) == b"hello\n"
    while not seen:
        sink.write(b"x" * 1000 + b"\n")
    far.close()
    sink.write(b"lost\n")
    assert len(seen) == 2
    sink.close()
    near.close()


def test_a_console_that_is_a_file_shares_its_place_in_it(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+b", buffering=0) as out:
        sink = ConsoleSink(out.fileno())
        out.write(b"first\n")
        sink.write(b"second\n")
        out.write(b"third\n")
    assert (tmp_path / "out").read_text() == "first\nsecond\nthird\n"


def test_a_closed_console_drops_lines() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    sink = ConsoleSink(writing)
    seen = drops(sink)
    sink.write(b"lost\n")
    assert seen == [1]


def test_where_many_bytes_are_kept_a_renamed_file_is_noticed_within_moments(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    sink = FileSink(path, 10 * 1024 * 1024, 5)
    sink.write(b"before\n")
    path.rename(tmp_path / "moved.log")
    written = 0

    def is_back() -> bool:
        nonlocal written
        sink.write(b"after\n")
        written += 1
        return path.exists()

    wait_until(is_back, what="the log file is opened anew")
    assert all_lines(path).count("after") + all_lines(tmp_path / "moved.log").count("after") == written


def test_a_file_of_unhurried_writers_does_not_outgrow_its_size(tmp_path: Path) -> None:
    path, size = tmp_path / "service.log", 1024 * 1024
    sinks = [FileSink(path, size, 20) for _ in range(8)]
    for _ in range(900):
        for sink in sinks:
            sink.write(b"x" * 399 + b"\n")
    kept = [path, *tmp_path.glob("service.log.[0-9]")]
    assert sum(file.stat().st_size for file in kept) == 900 * 8 * 400
    assert all(file.stat().st_size <= size for file in kept)
    assert len(kept) == 3

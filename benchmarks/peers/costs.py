"""The cost of requests to the machine: processor time, bytes written and syncs of a server's processes."""

import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from harness.waiting import wait_until

T = TypeVar("T")
_SYNCS = "fsync,fdatasync,sync,syncfs"


@dataclass(frozen=True)
class Spent:
    """The totals of a set of processes since they started, with those of their children that have ended."""

    cpu_seconds: float
    written_bytes: int | None

    def since(self, before: "Spent") -> "Spent":
        written = None
        if self.written_bytes is not None and before.written_bytes is not None:
            written = self.written_bytes - before.written_bytes
        return Spent(self.cpu_seconds - before.cpu_seconds, written)


def processes(roots: Sequence[int]) -> list[psutil.Process]:
    """These processes and all that descend from them."""
    tops = [psutil.Process(pid) for pid in roots]
    return [process for top in tops for process in (top, *top.children(recursive=True))]


def spent(roots: Sequence[int]) -> Spent:
    """The totals of these processes and all that descend from them."""
    cpu_seconds, written = 0.0, []
    for process in processes(roots):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            cpu_seconds += times.user + times.system + times.children_user + times.children_system
            written.append(_written_bytes(process.pid))
    known = [count for count in written if count is not None]
    return Spent(cpu_seconds, sum(known) if len(known) == len(written) else None)


def count_syncs(roots: Sequence[int], work: Callable[[], T]) -> tuple[T, int | None]:
    """Do the work, and count what its processes sync meanwhile; None where they cannot be traced."""
    pids = [process.pid for process in processes(roots)]
    if shutil.which("strace") is None:
        return work(), None
    command = ["strace", "-f", "-c", "-e", f"trace={_SYNCS}", *(f"--attach={pid}" for pid in pids)]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        with suppress(TimeoutError):
            wait_until(lambda: tracer.poll() is not None or all(map(_is_traced, pids)), what="strace")
        traced = tracer.poll() is None and all(map(_is_traced, pids))
        done = work()
    finally:
        tracer.send_signal(signal.SIGINT)
        _, summary = tracer.communicate()
    return done, _calls(summary) if traced else None


def _written_bytes(pid: int) -> int | None:
    """Bytes that went or will go to the disk: without those of files that were removed before."""
    try:
        text = Path(f"/proc/{pid}/io").read_text()
    except OSError:
        return None
    counts = {name: int(count) for name, count in re.findall(r"(\w+): (\d+)", text)}
    return counts["write_bytes"] - counts["cancelled_write_bytes"]


def _is_traced(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").glob("*/status")
    with suppress(FileNotFoundError):
        return all("TracerPid:\t0\n" not in status.read_text() for status in threads)
    return False


def _calls(summary: str) -> int:
    """The calls in strace's table: % time, seconds, usecs/call, calls, errors if any, name."""
    names = _SYNCS.replace(",", "|")
    return sum(
        int(calls) for calls in re.findall(rf"^\s*(?:\S+\s+){{3}}(\d+)\s.*\b(?:{names})$", summary, re.M)
    )

"""Processes that are killed in the middle of their work, and what they leave in the journal."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filewallball.recording.segments import SegmentReader, segments
from tests.fixtures.audit_log import LINE_MACS


def read(folder: Path) -> list[dict[str, Any]]:
    """Every genuine line of a slot, oldest first."""
    found = []
    for _, path in segments(folder):
        reader = SegmentReader(LINE_MACS.of_segment(path))
        found += list(reader.read(path.read_bytes(), []))
    return found


def in_a_process_that_dies(work: Callable[[], None]) -> None:
    """Run `work` in a child and kill it -9 the moment it is done."""

    def run() -> None:
        work()
        os.kill(os.getpid(), signal.SIGKILL)

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL

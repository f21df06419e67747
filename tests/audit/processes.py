"""Processes that are killed in the middle of their work, and what they leave in the journal."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filewallball.recording.segments import lines, segments


def read(folder: Path) -> list[dict[str, Any]]:
    """Every readable line of a slot, oldest first."""
    return [line for _, path in segments(folder) for line in lines(path.read_bytes())]


def in_a_process_that_dies(work: Callable[[], None]) -> None:
    """Run `work` in a child and kill it -9 the moment it is done."""

    def run() -> None:
        work()
        os.kill(os.getpid(), signal.SIGKILL)

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL

"""The loop of periodic jobs as a process of its own."""

import signal
from pathlib import Path

import pytest

from harness.shell import Shell
from harness.waiting import wait_until


@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 1)])
def test_it_ends_in_order_when_it_is_told_to(tmp_path: Path, told: signal.Signals, code: int) -> None:
    shell, data = Shell({"DATA_DIR": str(tmp_path / "data"), "MIN_FREE_SPACE": "0"}), tmp_path / "data"
    shell.run("prepare")
    running = shell.start("maintain")
    try:
        wait_until((data / "digest.lock").exists, 60, "the jobs run")
        wait_until(lambda: _owned(data), 60, "it has a slot")
        running.send_signal(told)
        assert running.wait(60) == code
        assert not _owned(data), "nobody takes it for one that was killed"
    finally:
        running.kill()
        running.wait()


def _owned(data: Path) -> list[Path]:
    """The slots whose owner lives, or did not give them back."""
    return [path for path in (data / "slots").glob("slot-*.lock") if path.read_text()]

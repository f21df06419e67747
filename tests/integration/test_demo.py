"""The demonstration shows what it promises, and leaves nothing behind."""

import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from harness import ROOT
from harness.waiting import wait_until

pytestmark = pytest.mark.server


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for the path of a socket."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        yield Path(name)


@pytest.fixture
def demo(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.demo", "--seconds", "1"],
            cwd=ROOT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    yield process
    process.kill()
    process.wait()


def test_the_demonstration_answers_and_ends_with_all_its_servers(
    demo: subprocess.Popen[bytes], folder: Path
) -> None:
    output = folder / "output"
    wait_until(
        lambda: "traffic has ended" in output.read_text() or demo.poll() is not None, 180, "the traffic"
    )
    urls = re.findall(r"http://127\.0\.0\.1:\d+/\S*", output.read_text())
    servers = psutil.Process(demo.pid).children(recursive=True)

    statuses = {url: requests.get(url, timeout=30).status_code for url in urls if "audit" not in url}
    demo.send_signal(signal.SIGINT)

    assert demo.wait(60) == 0
    assert set(statuses.values()) == {200}, statuses
    assert len(servers) > 6
    psutil.wait_procs(servers, 30)
    assert not [server for server in servers if server.is_running()]
    assert not list(folder.glob("filewallball-demo-*"))

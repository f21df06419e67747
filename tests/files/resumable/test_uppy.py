"""Uppy in a browser, on a page of another origin, through the shipped nginx."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.servers import Browser, Nginx
from harness.waiting import wait_until
from tests.files.resumable.clients import NODE_MODULES, cut
from tests.files.resumable.place import Place, opened
from tests.files.resumable.tus import noise

pytestmark = pytest.mark.server
SIZE = 6 * 1024 * 1024
SOURCE = Path(__file__).with_name("uppy.js")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """A web server with a page that uploads."""
    nginx = Nginx(tmp_path_factory.mktemp("page"))
    folder = nginx.folder / "page"
    folder.mkdir()
    (folder / "index.html").write_text(
        "<!doctype html><title>page</title><script src=uppy.bundle.js></script>"
    )
    (folder / "content.bin").write_bytes(noise(SIZE))
    bundle = [
        str(NODE_MODULES / ".bin" / "esbuild"),
        str(SOURCE),
        "--bundle",
        f"--outfile={folder / 'uppy.bundle.js'}",
    ]
    environ = {**os.environ, "NODE_PATH": str(NODE_MODULES)}
    subprocess.run(bundle, env=environ, check=True, capture_output=True, timeout=120)
    nginx.configure(f"server {{ listen 127.0.0.1:{nginx.port}; root {folder}; }}")
    nginx.start()
    yield nginx
    nginx.kill()


@pytest.fixture(scope="module")
def place(page: Nginx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service that lets the page ask; one alone of its processes takes resumable uploads."""
    with opened(
        tmp_path_factory.mktemp("place"),
        {"CORS_ORIGINS": page.url, "WEB_CONCURRENCY": "1", "UPLOADS_PER_CLIENT": "1000"},
    ) as found:
        yield found


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A window that remembers no earlier upload."""
    driver = Browser(tmp_path / "browser").start()
    yield driver
    driver.stop()


@pytest.mark.parametrize("chunk_size", ["Infinity", "1_000_000"])
def test_uppy_comes_through_a_killed_worker(
    page: Nginx, place: Place, browser: Browser, chunk_size: str
) -> None:
    before, killed = place.uploaded(), psutil.Process(_pool_worker(place))
    place.relay.before_cut = killed.kill
    place.relay.cut_at.append(900_000)

    file_id = _upload(page, place, browser, chunk_size)

    assert not place.relay.cut_at
    assert not killed.is_running()
    place.check(file_id, (page.folder / "page" / "content.bin").read_bytes())
    place.reconcile()
    assert place.uploaded() == before + 1
    assert place.tus.ask("GET", f"/files/{file_id}").json()["filename"] == "from-browser.bin"


def test_uppy_comes_through_cuts(
    page: Nginx, place: Place, browser: Browser, rounds: Callable[[int, int], int]
) -> None:
    before, content = place.uploaded("success"), (page.folder / "page" / "content.bin").read_bytes()
    for number in range(rounds(1, 30)):
        with cut(place, rounds(3, 50), SIZE) as on_the_way:
            file_id = _upload(page, on_the_way, browser, ["Infinity", "1_000_000"][number % 2])
        place.check(file_id, content)
        assert place.uploaded("success") == before + number + 1
    place.reconcile()


def _pool_worker(place: Place) -> int:
    def names() -> dict[str, int]:
        return {psutil.Process(pid).name(): pid for pid in place.service.worker_pids()}

    return wait_until(lambda: names().get("fwb-pool"), 60, "it serves") or 0


def _upload(page: Nginx, place: Place, browser: Browser, chunk_size: str) -> str:
    """Have the page upload, and return the id of the file that it has become."""
    browser.visit(page.url)
    browser.evaluate(f"upload('{place.endpoint}', {chunk_size})")
    outcome = wait_until(lambda: browser.evaluate("return outcome"), 120, "Uppy is done")
    assert outcome["error"] == ""
    return place.tus.head(outcome["url"]).headers["X-File-Id"]

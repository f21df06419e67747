"""A page of somebody else in a real browser, whose visitor's address may do more than the page's author."""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.servers import Browser, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser for which every name below `rebound.test` is this machine."""
    driver = Browser(tmp_path / "browser").start()
    yield driver
    driver.stop()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty page on an origin of its own."""
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def fetched(browser: Browser, url: str, options: str = "{}") -> object:
    """The status of a request that the page makes, or the name of what kept it from the page."""
    browser.evaluate(
        f"window.told = null; fetch({json.dumps(url)}, {options})"
        ".then(answer => window.told = answer.status, error => window.told = error.name)"
    )
    wait_until(lambda: browser.evaluate("return window.told") is not None, 60, "an answer")
    return browser.evaluate("return window.told")


@pytest.mark.parametrize("allowed", ["", "files.example.org"])
def test_a_name_that_was_bound_anew_to_this_host_reads_no_metrics(
    service: Callable[..., Service], browser: Browser, allowed: str
) -> None:
    server = service({"ADMIN_TOKEN": ADMIN_TOKEN, "ALLOWED_HOSTS": allowed})
    rebound = f"http://evil.rebound.test:{server.port}"

    browser.visit(f"{rebound}/docs/errors")
    found = [fetched(browser, path) for path in ("/metrics", "/health/detailed", "/api/v1/stats/clients")]
    browser.visit(f"{server.url}/docs/errors")
    own = fetched(browser, "/metrics")

    assert found == [400 if allowed else 401] * 3
    assert own == 200, "a person on this host still reads them"


def test_a_foreign_page_neither_uploads_nor_gets_its_visitor_blocked(
    service: Callable[..., Service], browser: Browser, page: str
) -> None:
    server = service(
        {"ADMIN_TOKEN": ADMIN_TOKEN, "RATELIMIT_UPLOAD": "20/hour", "AUTOBLOCK_LIMITS": "1/hour"}
    )
    browser.visit(page)
    form = "{method: 'POST', mode: 'no-cors', body: (() => { const form = new FormData(); "
    form += "form.append('file', new Blob(['x']), 'x.txt'); return form })()}"

    for _ in range(55):
        assert fetched(browser, f"{server.url}/upload", form) == "TypeError", "nothing to read"
    read = fetched(browser, f"{server.url}/metrics")

    metrics = server.request("GET", "/metrics").text
    assert 'operations_total{action="file:upload",status="denied"} 55.0' in metrics
    assert 'rate_limit_violations_total{endpoint="/upload"} 0.0' in metrics
    assert read == "TypeError"
    assert server.request("PUT", "/upload/own.txt", data=b"own").status_code == 201


def test_a_page_of_the_service_uploads(service: Callable[..., Service], browser: Browser) -> None:
    server = service()

    browser.visit(f"{server.url}/docs/errors")
    status = fetched(browser, "/upload/page.txt", "{method: 'PUT', body: 'words'}")

    browser.visit(f"http://files.rebound.test:{server.port}/docs/errors")
    by_name = fetched(browser, "/upload/page.txt", "{method: 'PUT', body: 'words'}")

    assert (status, by_name) == (201, 201)

"""The service as a person with a browser meets it, with nothing else in reach."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from harness.servers import Browser, Service
from harness.waiting import wait_until

_UPLOAD = "operations-files-post_upload"  # where `/docs` has the form of an upload


def is_shown(browser: Browser, selector: str) -> bool:
    """True if the page has such an element."""
    return bool(browser.evaluate("return document.querySelector(arguments[0]) !== null", selector))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser that resolves no name and reaches this machine alone."""
    driver = Browser(tmp_path / "browser").start()
    yield driver
    driver.stop()


def test_the_documentation_works_without_any_other_host(
    service: Callable[..., Service], browser: Browser, tmp_path: Path
) -> None:
    server = service()
    (tmp_path / "report.txt").write_text("sent from the documentation")

    browser.visit(f"{server.url}/docs")
    wait_until(lambda: "/upload/{filename}" in browser.text(), seconds=60, what="every route is shown")
    for button in (".opblock-summary-control", ".try-out__btn"):
        wait_until(partial(is_shown, browser, f"#{_UPLOAD} {button}"), seconds=60, what=button)
        browser.click(f"#{_UPLOAD} {button}")
    wait_until(partial(is_shown, browser, f"#{_UPLOAD} .execute"), seconds=60, what="the form")
    browser.type(f"#{_UPLOAD} input[type=file]", str(tmp_path / "report.txt"))
    browser.click(f"#{_UPLOAD} .execute")
    wait_until(lambda: '"filename": "report.txt"' in browser.text(), seconds=60, what="the file is stored")
    loaded = browser.evaluate("return performance.getEntriesByType('resource').map(entry => entry.name)")
    browser.visit(f"{server.url}/docs/errors")

    assert loaded
    assert all(url.startswith((server.url, "data:")) for url in loaded)
    assert "storage_full" in browser.text()


def test_a_download_lands_under_its_own_name_and_a_page_is_never_run(
    service: Callable[..., Service], browser: Browser
) -> None:
    server = service({"SUSPICIOUS_UPLOADS": "flag"})
    page = b"<!doctype html><script>document.title = 'ran'</script>"
    files = {"file": ('보고서 "최종".html', page, "text/html")}
    file = server.request("POST", "/upload", files=files).json()

    for url in (file["download_url"], file["view_url"]):
        browser.visit(server.url + url)

    def landed() -> list[Path]:
        return [path for path in browser.downloads.iterdir() if path.suffix == ".html"]

    wait_until(lambda: len(landed()) == 2, seconds=60, what="both arrived as downloads")
    assert all(path.read_bytes() == page for path in landed())
    assert all(path.name.startswith("보고서") for path in landed())

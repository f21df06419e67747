"""The site of the documentation: built without a warning, and whole without any other host."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from harness import ROOT
from harness.servers import Browser
from harness.waiting import wait_until

_MKDOCS = ROOT / ".venv-docs/bin/mkdocs"
_IFRAME_WORKER_1_0_4 = "e8e412dbcfea9b7e31b5ffa288d7b6035915e714c542f4176a0cdbe262fc9609"
_SEARCH = """
const field = document.querySelector('.md-search__input');
field.focus();
field.value = arguments[0];
field.dispatchEvent(new Event('keyup', {bubbles: true}));
field.dispatchEvent(new Event('input', {bubbles: true}));
"""
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assert _MKDOCS.exists(), "run `make .venv-docs/.ready`"
    command: list[str | Path] = [_MKDOCS, "build", "--quiet", "--strict", "--site-dir", folder]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_in_it_in_its_language(site: Path) -> None:
    for page in (ROOT / "docs").glob("**/*.md"):
        built = (site / page.relative_to(ROOT / "docs")).with_suffix(".html").read_text()
        language = "ko" if "ko" in page.relative_to(ROOT).parts else "en"
        assert f'<html lang="{language}"' in built, page


def test_nothing_comes_from_another_host(site: Path) -> None:
    loaded = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
    sheets = re.compile(r"(?:@import|url\()\s*[\"']?(?:https?:)?//")

    assert {found for page in site.glob("**/*.html") for found in loaded.findall(page.read_text())} == set()
    assert [sheet for sheet in site.glob("**/*.css") if sheets.search(sheet.read_text())] == []


def test_the_search_of_files_runs_what_its_package_ships() -> None:
    script = ROOT / "docs/javascripts/iframe-worker.js"

    assert hashlib.sha256(script.read_bytes()).hexdigest() == _IFRAME_WORKER_1_0_4


def test_the_search_knows_both_languages(site: Path) -> None:
    index = json.loads((site / "search/search_index.js").read_text().partition("=")[2])
    titles = {each["title"] for each in index["docs"]}

    assert {"Repeating an upload safely", "안전하게 다시 올리기"} <= titles


@pytest.mark.parametrize(
    ("page", "words", "found"),
    [
        ("index.html", "idempotency", "uploading.html"),
        ("ko/index.html", "할당량", "ko/access.html"),
    ],
)
def test_a_reader_of_the_files_alone_searches(
    site: Path, tmp_path: Path, page: str, words: str, found: str
) -> None:
    browser = Browser(tmp_path)
    browser.start()
    try:
        browser.visit((site / page).as_uri())
        browser.evaluate(_SEARCH, words)
        results = "return [...document.querySelectorAll('.md-search-result__link')].map(link => link.href)"
        wait_until(
            lambda: any(found in href for href in browser.evaluate(results)),
            what="the page is among the results",
        )
        assert [url for url in browser.requested() if url.startswith("http")] == []
    finally:
        browser.stop()

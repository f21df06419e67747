"""How the files of the console are sent."""

import gzip
import re
from urllib.parse import urljoin

import pytest
from flask.testing import FlaskClient

from filewallball.console.views import POLICY
from harness import ROOT

STATIC = ROOT / "filewallball" / "console" / "static"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_every_address_shows_the_page_under_a_strict_policy(client: FlaskClient) -> None:
    for path in ("/console/", "/console/files/x", "/console/links?new=1", "/console/no/such/view"):
        page = client.get(path)

        assert (page.status_code, page.mimetype) == (200, "text/html")
        assert page.headers["Content-Security-Policy"] == POLICY
        assert page.headers["Cache-Control"] == "no-cache"
        assert re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page.text) is None
    assert client.get("/console").headers["Location"] == "/console/"
    assert "script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'" in POLICY
    assert "unsafe" not in POLICY


def files_of(client: FlaskClient, path: str, place: str = "") -> str:
    """The address of the files that a page names, where a proxy puts the service below a place."""
    named = str(re.findall(r'src="([^"]+)app\.js"', client.get(path).text)[0])
    return urljoin(f"http://a{place}{path}", named).removeprefix("http://a")


def test_pages_name_their_files_wherever_a_proxy_puts_the_service(client: FlaskClient) -> None:
    base = files_of(client, "/console/")

    for path in ("/console/", "/console/files/x?name=a/b", "/console/audit/a%2Fb", "/console/no/such/view"):
        assert files_of(client, path) == base, path
        assert files_of(client, path, "/deep/below") == f"/deep/below{base}", path
    page = client.get("/download/none", headers={"Accept": "text/html"}).text
    named = re.findall(r'(?:href|src)="([^"]*)"', page)
    found = {urljoin("http://a/below/download/none", each) for each in named}
    assert {each.removeprefix(f"http://a/below{base}") for each in found} == {
        *("mark.svg", "style.css", "vendor/pico.classless.min.css"),
        *("http://a/below/console/", "http://a/below/console/files/none"),
    }


def test_files_are_compressed_and_kept_for_ever_under_their_version(client: FlaskClient) -> None:
    base = files_of(client, "/console/")
    plain = client.get(f"{base}style.css")
    packed = client.get(f"{base}style.css", headers={"Accept-Encoding": "br, gzip"})

    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (plain.mimetype, packed.mimetype) == ("text/css", "text/css")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert {answer.headers["Vary"] for answer in (plain, packed)} == {"Accept-Encoding"}
    assert gzip.decompress(packed.data) == plain.data == (STATIC / "style.css").read_bytes()
    assert client.get(f"{base}vendor/qrcode.mjs").mimetype == "text/javascript"


def test_files_of_another_version_are_not_there(client: FlaskClient) -> None:
    base = files_of(client, "/console/")

    for path in ("/console/assets/0123456789abcdef/app.js", f"{base}../assets.py", f"{base}none.js", base):
        answer = client.get(path)
        assert answer.status_code in (200, 404), path
        assert "def " not in answer.text, path
    assert client.get("/console/assets/0123456789abcdef/app.js").get_json()["code"] == "not_found"

"""What a browser is shown where a file cannot be had; programs get the problem as ever."""

import io
import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.console.texts import kind_of, text_of
from filewallball.console.views import POLICY
from tests.access.people import client_of, new_token

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PROGRAMS = (
    "*/*",
    "application/json",
    "application/problem+json",
    "image/avif,image/webp,image/*,*/*;q=0.8",
    "",
)


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def owner(set_config: Callable[..., Flask]) -> FlaskClient:
    """Somebody with files, at a service where others are guests."""
    app = set_config(ANONYMOUS_ROLE="guest")
    return client_of(app, new_token(app, "owner"))


@pytest.fixture
def refused(owner: FlaskClient) -> dict[str, str]:
    """An address for each reason why a file cannot be had, by the code of its problem."""
    data = {"file": (io.BytesIO(b"words"), "a.txt"), "visibility": "private"}
    file_id = owner.post("/upload", data=data).get_json()["file_id"]

    def link(**options: object) -> dict[str, str]:
        return dict(owner.post("/api/v1/links", json={"file_id": file_id, **options}).get_json())

    revoked, once, locked = link(), link(one_time=True), link(password="open sesame")
    owner.delete(f"/api/v1/links/{revoked['link_id']}")
    other = {"REMOTE_ADDR": "198.51.100.7"}
    assert owner.application.test_client().get(once["url"], environ_base=other).data == b"words"
    return {
        "not_found": f"/download/{file_id}",
        "link_revoked": revoked["url"],
        "link_used_up": once["url"],
        "link_password_required": locked["url"],
    }


def ask(owner: FlaskClient, path: str, accept: str, **headers: str) -> Iterator[object]:
    """The status, type, policy and text of an answer to nobody in particular."""
    answer = owner.application.test_client().get(path, headers={"Accept": accept, **headers})
    yield from (answer.status_code, answer.mimetype, answer.headers["Content-Security-Policy"], answer.text)


def test_a_browser_gets_a_page_and_a_program_the_problem(owner: FlaskClient, refused: dict[str, str]) -> None:
    for code, path in refused.items():
        status, mimetype, policy, page = ask(owner, path, BROWSER)
        said = text_of(kind_of(code, int(str(status))), "en")

        assert (mimetype, policy) == ("text/html", POLICY), code
        assert said.title in str(page), code
        assert re.search(r"req_[0-9a-f]{32}", str(page)), code
        for accept in PROGRAMS:
            same, kind, _, body = ask(owner, path, accept)
            assert (same, kind) == (status, "application/problem+json"), (code, accept)
            assert f'"code":"{code}"' in str(body), (code, accept)


def test_a_page_speaks_the_language_of_the_browser(owner: FlaskClient, refused: dict[str, str]) -> None:
    _, _, _, korean = ask(owner, refused["link_revoked"], BROWSER, **{"Accept-Language": "ko-KR,ko;q=0.9"})
    _, _, _, other = ask(owner, refused["link_revoked"], BROWSER, **{"Accept-Language": "tlh"})

    assert "폐기된 링크입니다" in str(korean)
    assert '<html lang="ko">' in str(korean)
    assert "This link was revoked" in str(other)


def test_a_page_holds_no_code_and_nothing_of_the_file(owner: FlaskClient, refused: dict[str, str]) -> None:
    for code, path in refused.items():
        _, _, _, page = ask(owner, path, BROWSER)

        assert re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", str(page)) is None, code
        assert "a.txt" not in str(page), code


def test_only_files_have_pages(owner: FlaskClient) -> None:
    for path in ("/files/none", "/api/v1/links", "/nowhere", "/uploads/none"):
        _, mimetype, _, _ = ask(owner, path, BROWSER)
        assert mimetype == "application/problem+json", path


def test_hostile_addresses_are_text(owner: FlaskClient) -> None:
    for text in ("%22%3E%3Cscript%3Ealert(1)", "'onload='alert(1)", "%3Cimg%20src=x%3E"):
        for path in (f"/download/{text}", f"/view/{text}?a={text}", f"/s/{text}/{text}"):
            _, mimetype, _, page = ask(owner, path, BROWSER)
            assert mimetype == "text/html", path
            assert re.search(r"<script(?![^>]* src=)|<img src=x|alert\(1\)[^%&]*</", str(page)) is None, path


def test_only_who_has_decided_uses_up_a_link(owner: FlaskClient) -> None:
    data = {"file": (io.BytesIO(b"words"), "a.txt"), "visibility": "private"}
    file_id = owner.post("/upload", data=data).get_json()["file_id"]
    once, free = (
        owner.post("/api/v1/links", json={"file_id": file_id, "one_time": limit}).get_json()["url"]
        for limit in (True, False)
    )
    visitor = owner.application.test_client()
    undecided = (
        {"Accept": BROWSER},
        {
            "User-Agent": "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984"
        },
        {
            "User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Range": "bytes=0-32768",
        },
        {"Accept": "*/*", "Sec-Purpose": "prefetch;prerender"},
    )
    for headers in undecided:
        for path in (once, f"{once}/view"):
            answer = visitor.get(path, headers=headers)
            assert answer.status_code == 403, (headers, path)
            assert ("Download the file?" in answer.text) == (answer.mimetype == "text/html"), path
            assert "a.txt" not in answer.text, (headers, path)
        assert visitor.get(free, headers=headers).status_code in (200, 206)

    ticket = visitor.post(f"{once}/unlock", json={}).get_json()
    assert visitor.get(ticket["url"], headers={"Accept": BROWSER}).data == b"words"
    assert "This link is used up" in visitor.get(once, headers={"Accept": BROWSER}).text

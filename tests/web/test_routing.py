"""The shortcut finds what werkzeug's own search finds, or nothing."""

import pytest
from flask import Flask, url_for
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError, Map, Rule
from werkzeug.test import EnvironBuilder

from filewallball.web.routing import LateRule, Shortcuts

_MAP = Map(
    [
        Rule("/download/<file_id>", endpoint="download", methods=["GET"]),
        Rule("/files", endpoint="list", methods=["GET", "POST"]),
        Rule("/files/<file_id>", endpoint="describe", methods=["GET"]),
        Rule("/files/<file_id>", endpoint="delete", methods=["DELETE"]),
        Rule("/files/<file_id>/history", endpoint="history", methods=["GET"]),
        Rule("/docs/<page>", endpoint="docs", methods=["GET"]),
        Rule("/docs/errors", endpoint="errors", methods=["GET"]),
        Rule("/api/<int:number>", endpoint="number", methods=["GET"]),
        Rule("/docs/<path:name>", endpoint="path", methods=["GET"]),
        Rule("/api/", endpoint="api", methods=["GET"]),
        Rule("/history", endpoint="all", methods=["POST"], strict_slashes=False),
    ]
)
_SHORTCUTS = Shortcuts.of(_MAP)
_WORDS = st.sampled_from(
    ["download", "files", "history", "docs", "api", "errors", "", "7", "a b", "%2F", "\xe9", "..", "x\n"]
)
_PATHS = st.lists(_WORDS | st.text(max_size=5), max_size=4).map(lambda words: "/" + "/".join(words))


@given(_PATHS, st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS", "get", "NONE"]))
def test_what_the_shortcut_finds_is_what_the_search_finds(path: str, method: str) -> None:
    environ = EnvironBuilder("/", method=method).get_environ()
    environ["PATH_INFO"] = path.encode("utf-8", "replace").decode("latin-1")
    environ["REQUEST_METHOD"] = method
    found = _SHORTCUTS.find(environ)

    try:
        searched = _MAP.bind_to_environ(environ).match(return_rule=True)
    except HTTPException:
        searched = None

    assert found is None or found == searched


def test_words_with_one_rule_a_method_have_shortcuts() -> None:
    assert set(Shortcuts.of(_MAP).rules) == {
        ("download", "GET"),
        ("download", "HEAD"),
        ("files", "GET"),
        ("files", "HEAD"),
        ("files", "DELETE"),
    }


def test_whole_addresses_have_shortcuts() -> None:
    found = {key for key in _SHORTCUTS.whole if key[1] != "HEAD"}

    assert found == {
        ("/files", "GET"),
        ("/files", "POST"),
        ("/docs/errors", "GET"),
        ("/api/", "GET"),
        ("/history", "POST"),
    }


def test_downloads_and_uploads_of_the_service_have_shortcuts(app: Flask) -> None:
    shortcuts = Shortcuts.of(app.url_map)
    rules = shortcuts.rules

    assert ("/upload", "POST") in shortcuts.whole
    assert {("download", "GET"), ("view", "GET"), ("files", "DELETE"), ("upload", "PUT")} <= set(rules)


def test_a_request_that_took_the_shortcut_can_still_build_addresses(app: Flask) -> None:
    with app.test_request_context("/download/some-id", base_url="https://files.example:8443"):
        built = url_for("files.Download", file_id="other", _external=True)

    assert built == "https://files.example:8443/download/other"


@pytest.mark.parametrize("headers", [{"Connection": "Upgrade", "Upgrade": "websocket"}])
def test_a_websocket_is_refused_as_ever(app: Flask, headers: dict[str, str]) -> None:
    assert app.test_client().get("/download/some-id", headers=headers).status_code == 400


@pytest.mark.parametrize(
    "values", [{}, {"page": 1}, {"page": 7, "self": "ü&"}, {"page": 2, "more": ["a", "b"]}]
)
def test_a_rule_that_learns_late_builds_the_addresses_of_any_other(values: dict[str, object]) -> None:
    def map_of(rule: type[Rule]) -> Map:
        pages = rule("/pages/<int:page>", endpoint="pages")
        return Map([rule("/pages/", endpoint="pages", defaults={"page": 1}), pages])

    def built(rule: type[Rule]) -> str:
        try:
            return map_of(rule).bind("localhost").build("pages", values)
        except BuildError as error:
            return str(error)

    assert built(LateRule) == built(Rule)


def test_every_rule_of_the_service_learns_late(app: Flask) -> None:
    assert all(isinstance(rule, LateRule) for rule in app.url_map.iter_rules())

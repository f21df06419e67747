"""A request gets the same answer on the service's way through Flask as on Flask's own."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    after_this_request,
    current_app,
    g,
    has_request_context,
    request,
)
from werkzeug.test import Client, EnvironBuilder, TestResponse

from filewallball.web.app import Application


class StockApplication(Application):
    """The same application, whose requests go Flask's own way."""

    wsgi_app = Flask.wsgi_app


def word(value: str) -> str:
    g.value = value
    return f"{g.value} {request.path} {request.query_string!r} {request.remote_addr} {current_app.name}"


def once() -> str:
    after_this_request(lambda response: _marked(response, "once"))
    return "once"


def form() -> str:
    return f"{request.form['name']} {sorted(request.files)}"


def broken() -> str:
    raise ValueError("broken")


def nothing() -> Any:
    return None


def refused() -> str:
    abort(403)


def stream() -> Iterator[str]:
    yield from ("a", "b")


def build(kind: type[Application]) -> Flask:
    app, blueprint = kind("cycle", static_folder=None), Blueprint("part", __name__)
    blueprint.add_url_rule("/word/<value>", view_func=word)
    blueprint.after_request(lambda response: _marked(response, "blueprint"))
    app.after_request(lambda response: _marked(response, "first"))
    app.after_request(lambda response: _marked(response, "last"))
    for view in (once, broken, nothing, refused, stream):
        app.add_url_rule(f"/{view.__name__}", view_func=view)
    app.add_url_rule("/folder/", view_func=once, endpoint="folder")
    app.add_url_rule("/form", view_func=form, methods=["POST"])
    app.register_error_handler(ValueError, lambda error: (f"told: {error}", 418))
    app.register_blueprint(blueprint)
    return app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/word/x?a=%C3%A9"),
        ("HEAD", "/word/x"),
        ("OPTIONS", "/word/x"),
        ("POST", "/word/x"),
        ("GET", "/word/%C3%A9"),
        ("GET", "/once"),
        ("GET", "/broken"),
        ("GET", "/nothing"),
        ("GET", "/refused"),
        ("GET", "/stream"),
        ("GET", "/folder"),
        ("GET", "/nowhere"),
    ],
)
def test_the_answer_is_that_of_flask(method: str, path: str) -> None:
    ours, stock = (Client(build(kind)).open(path, method=method) for kind in (Application, StockApplication))

    assert _shown(ours) == _shown(stock)


def test_forms_are_read() -> None:
    fields = {"name": "x", "file": (BytesIO(b"content"), "a.txt")}

    assert Client(build(Application)).post("/form", data=fields).text == "x ['file']"


def test_nothing_of_a_request_is_left_behind() -> None:
    environ = EnvironBuilder("/word/x").get_environ()
    body = build(Application)(environ, lambda *_: lambda _: None)

    assert list(body)
    assert environ["werkzeug.request"] is None
    assert not has_request_context()
    assert not current_app


def test_flasks_client_can_still_look_at_a_request_afterwards() -> None:
    with build(Application).test_client() as client:
        client.get("/word/x")

        assert (request.path, g.value) == ("/word/x", "x")


def test_a_hook_that_comes_too_late_is_refused() -> None:
    app = build(Application)
    Client(app).get("/once")

    with pytest.raises(AssertionError, match="setup method"):
        app.after_request(lambda response: response)


def _marked(response: Response, name: str) -> Response:
    response.headers.add("X-Hooks", name)
    return response


def _shown(answer: TestResponse) -> tuple[str, list[tuple[str, str]], bytes]:
    return answer.status, list(answer.headers), answer.data

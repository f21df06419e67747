"""A small application whose answers end in several ways; each ended exchange is one line of PROBE_LOG."""

import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from flask import Flask, Response, request
from werkzeug.wsgi import wrap_file

from filewallball.web.exchange import Exchange, ExchangeMiddleware, current_exchange
from filewallball.web.origin import Origin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LARGE = 64 * 1024 * 1024


def sender(environ: "WSGIEnvironment") -> Origin:
    """The origin of a request, as its peer says."""
    peer = environ.get("REMOTE_ADDR", "")
    return Origin(client_ip=peer, peer=peer, request_id=environ.get("HTTP_X_REQUEST_ID"))


class Recorder:
    """Writes what is known at the end of each exchange."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def started(self, exchange: Exchange) -> None:
        pass

    def finished(self, exchange: Exchange) -> None:
        line = {
            "path": exchange.environ["PATH_INFO"],
            "status": exchange.status,
            "sent": exchange.bytes_sent,
            "expected": exchange.bytes_expected,
            "completed": exchange.completed,
            "seconds": exchange.seconds,
            "notes": exchange.environ.get("notes", []),
        }
        with self._path.open("a") as log:
            log.write(json.dumps(line) + "\n")


class SendfileOnly(io.FileIO):
    """A file whose bytes may only leave through its descriptor."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("the server read the file instead of handing it to sendfile")


def large_file() -> BinaryIO:
    descriptor, name = tempfile.mkstemp()
    Path(name).unlink()
    os.ftruncate(descriptor, LARGE)
    return cast(BinaryIO, SendfileOnly(descriptor, "rb"))


def send(file: BinaryIO, length: int) -> Response:
    """Answer with `length` bytes of `file` from where it stands, and note where it stands at the end."""
    exchange = current_exchange()
    notes = exchange.environ.setdefault("notes", [])
    exchange.on_close(lambda: notes.append({"tell": file.tell(), "closed": file.closed}))
    response = Response(wrap_file(request.environ, file), direct_passthrough=True)
    response.content_length = length
    return response


def create_app() -> Flask:
    app = Flask("probe")

    @app.get("/file")
    def whole_file() -> Response:
        return send(large_file(), LARGE)

    @app.get("/part")
    def part_of_file() -> Response:
        file = large_file()
        file.seek(1000)
        return send(file, 5000)

    @app.get("/stream")
    def stream() -> Response:
        def chunks() -> Iterator[bytes]:
            while True:
                yield bytes(65536)

        return Response(chunks())

    @app.get("/text")
    def text() -> str:
        return "hello"

    app.wsgi_app = ExchangeMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, origin=sender, observers=[Recorder(Path(os.environ["PROBE_LOG"]))]
    )
    return app

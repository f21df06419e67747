"""A small application that only delivers; what became of each delivery is one line of a log."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from filewallball.errors import ApiError
from filewallball.files.delivery import Content, Delivery, deliver
from filewallball.storage.local import LocalStore
from filewallball.web.exchange import ExchangeMiddleware
from filewallball.web.origin import Origin

MODIFIED = 1_700_000_000
LARGE = bytes(range(251)) * 40_000  # 10 MB, no two places alike within a block
FILES = {
    "large.bin": (LARGE, "application/octet-stream"),
    "small.bin": (b"0123456789", "application/octet-stream"),
    "empty.bin": (b"", "application/x-empty"),
    "note.txt": (b"a note", "text/plain"),
    "korean.txt": ("이번 달 매출 보고서를 보내 드립니다.".encode("cp949"), "text/plain"),
    "picture.png": (b"\x89PNG\r\n\x1a\n", "image/png"),
    "vector.svg": (b"<svg/>", "image/svg+xml"),
    "page.html": (b"<script>alert(1)</script>", "text/html"),
    "paper.pdf": (b"%PDF-1.7", "application/pdf"),
    '보고서 "최종"\n.txt': (b"x", "text/plain"),
}


def create_app(folder: Path | None = None) -> Flask:
    folder = folder or Path(os.environ["DELIVERY_FOLDER"])
    store = LocalStore(folder / "storage", min_free_bytes=0)
    store.prepare()
    contents = {name: keep(store, name, *about) for name, about in FILES.items()}
    app = Flask("delivery")
    app.config.update(STORE=store, CONTENTS=contents, LOG=folder / "deliveries")

    @app.get("/<disposition>/<name>")
    def send(disposition: str, name: str) -> Response:
        return deliver(
            contents[name],
            lambda: store.open(contents[name].path),
            disposition=disposition,
            x_accel="x_accel" in request.args or "X_ACCEL" in os.environ,
            finished=lambda delivery: note(app.config["LOG"], delivery),
        )

    @app.after_request
    def fail_on_demand(response: Response) -> Response:
        if "fail" in request.args and response.status_code == 200:
            raise RuntimeError("after the answer was made")
        return response

    @app.errorhandler(Exception)
    def render(error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.code != 500:
            return Response(status=error.code)
        if isinstance(error, ApiError):
            return Response(error.code, error.status, error.headers)
        return Response("x" * 1000, 500)

    app.wsgi_app = ExchangeMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, origin=lambda environ: Origin(client_ip="127.0.0.1", peer="127.0.0.1")
    )
    return app


def keep(store: LocalStore, name: str, content: bytes, media_type: str) -> Content:
    with store.stage(max_bytes=len(content)) as stage:
        stage.write(content)
        path = store.publish(stage)
        return Content("id", name, media_type, stage.size, stage.sha256, MODIFIED * 1_000_000 + 999_999, path)


def note(log: Path, delivery: Delivery) -> None:
    with log.open("a") as file:
        file.write(json.dumps(asdict(delivery)) + "\n")


def deliveries(folder: Path) -> list[Delivery]:
    """The outcomes of everything sent so far."""
    log = folder / "deliveries"
    lines = log.read_text().splitlines() if log.exists() else []
    return [Delivery(**json.loads(line)) for line in lines]

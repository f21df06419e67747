"""The parts of the time of a 100 KiB download that nginx is to send: one process, no network, against a bare view.

CPU time of the thread, the lowest of many short batches taken in turns, hardly depends on what else the machine does;
the shares come from cProfile, which makes small functions look dearer than they are.
"""

import cProfile
import io
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response
from werkzeug.test import EnvironBuilder
from werkzeug.wsgi import FileWrapper

from filewallball import create_app
from filewallball.settings.loading import load_settings
from harness.servers import Service

_BATCHES, _BATCH, _PROFILED = 80, 60, 2000
_PARTS = (
    ("Flask and werkzeug around the view", ("web/cycle.py", "run"), ("access/admission.py", "run")),
    ("metadata, one statement of SQLite", ("database/connections.py", "find"), None),
    ("journal, two lines", ("recording/journal.py", "_append"), None),
    (
        "headers and conditions of the answer",
        ("files/delivery.py", "deliver"),
        ("files/fetch.py", "delivered"),
    ),
    ("the event: completed, counted", ("operations.py", "finish"), ("operations.py", "_journal")),
    ("request log, one line in two sinks", ("request_log.py", "finished"), None),
)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="filewallball-profile-") as name:
        service = Service(Path(name), {"X_ACCEL": "true", "TRUSTED_PROXIES": "127.0.0.1/32"})
        service.cli("prepare")
        _silence()
        app = create_app(load_settings(service.settings))
        answer = app.test_client().post("/upload", data={"file": (io.BytesIO(bytes(100 * 1024)), "a.bin")})
        path = f"/download/{answer.json['file_id']}"  # type: ignore[index]
        ours, other = _compare(app.wsgi_app, _bare().wsgi_app, path)
        print(
            f"{'CPU of one download, us':<40} service {ours:>6.1f}  bare view {other:>6.1f}  {ours / other:.2f}"
        )
        _print_shares(app.wsgi_app, path)


def _compare(ours: Any, other: Any, path: str) -> tuple[float, float]:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(_BATCHES + 1):
        for app, times in zip((ours, other), taken, strict=True):
            started = time.thread_time()
            _fetch(app, path, _BATCH)
            if number:
                times.append((time.thread_time() - started) / _BATCH * 1e6)
    return min(taken[0]), min(taken[1])


def _print_shares(app: Any, path: str) -> None:
    profile = cProfile.Profile()
    profile.runcall(_fetch, app, path, _PROFILED)
    stats: Any = pstats.Stats(profile)
    whole = _seconds(stats, ("profile.py", "_fetch"))
    for label, part, without in _PARTS:
        seconds = _seconds(stats, part) - (_seconds(stats, without) if without else 0)
        print(f"  {label:<40} {100 * seconds / whole:>5.1f} %")


def _seconds(stats: Any, part: tuple[str, str]) -> float:
    """The time that a function took, with all that it called."""
    file, function = part
    return sum(
        float(found[3])
        for (path, _, name), found in stats.stats.items()
        if path.endswith(file) and name == function
    )


def _fetch(app: Any, path: str, count: int) -> None:
    environ: dict[str, Any] = EnvironBuilder(path, headers=[("X-Forwarded-For", "192.0.2.1")]).get_environ()
    environ.update({"REMOTE_ADDR": "127.0.0.1", "wsgi.file_wrapper": FileWrapper})
    for _ in range(count):
        body: Iterable[bytes] = app(dict(environ), _expect_success)
        for _ in body:
            pass
        getattr(body, "close", lambda: None)()


def _expect_success(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
    assert status == "200 OK", status


def _bare() -> Flask:
    app = Flask("bare")

    @app.get("/download/<name>")
    def download(name: str) -> Response:
        return Response(headers={"X-Accel-Redirect": f"/_blobs/{name}", "Content-Type": "image/jpeg"})

    return app


def _silence() -> None:
    """The console is written to as in production, but nobody reads it here."""
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


if __name__ == "__main__":
    main()

"""The cost of one upload of 100 KiB: one process, no network, as a form and as a PUT.

CPU time of the thread, the lowest of many short batches, hardly depends on what else the machine does; time on the
clock also waits for the disk. Syncs of the store are those that Python asks for; SQLite adds one for each commit. The
shares come from cProfile, which makes small functions look dearer than they are.
"""

import argparse
import cProfile
import io
import os
import pstats
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.profile import _seconds, _silence
from filewallball import create_app
from filewallball.settings.loading import load_settings
from harness.servers import Service

_SIZE, _BATCH, _COUNTED = 100 * 1024, 20, 200
_FRAME_BYTES, _LOG_HEADER_BYTES = (
    4096 + 24,
    32,
)  # a page in SQLite's write-ahead log, and what precedes the first one
_BOUNDARY = "----------------------------6f0e1a2b3c4d"
_PARTS = (
    ("form: parse, hash, write", ("files/incoming.py", "_parse"), None),
    ("judge: media type and suspicion", ("files/upload.py", "_judge"), None),
    ("media type", ("media_type.py", "inspect"), None),
    ("publish: sync, rename, sync", ("storage/local.py", "publish"), None),
    ("commit: statements and COMMIT", ("database/connections.py", "commit"), None),
    ("the rest of the operation", ("access/admission.py", "run"), ("files/views.py", "post")),
    ("Flask around the view", ("web/cycle.py", "run"), ("access/admission.py", "run")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where the store lies; its disk is measured as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="filewallball-upload-", dir=arguments.folder) as name:
        service = Service(Path(name), {"RATELIMIT_UPLOAD": "1000000/minute", "MIN_FREE_SPACE": "0"})
        service.cli("prepare")
        _silence()
        app = create_app(load_settings(service.settings)).wsgi_app
        for label, environ in (("POST, a form", _form), ("PUT", _raw)):
            cpu, wall = _times(app, environ, arguments.batches)
            print(f"{label:<14} CPU {cpu:>7.0f} us   on the clock {wall:>7.0f} us", end="")
            print(
                f"   calls {_calls(app, environ):>6.0f}   syncs of the store {_syncs(app, environ):.2f}",
                end="",
            )
            print(f"   pages of the log {_pages(app, environ, Path(name)):.1f}")
        _print_shares(app)


def _times(app: Any, environ: Any, batches: int) -> tuple[float, float]:
    taken: list[tuple[float, float]] = []
    for _ in range(batches):
        requests = [environ() for _ in range(_BATCH)]
        cpu, wall = time.thread_time(), time.perf_counter()
        for request in requests:
            _send(app, request)
        taken.append(((time.thread_time() - cpu), (time.perf_counter() - wall)))
    return min(cpu for cpu, _ in taken) / _BATCH * 1e6, min(wall for _, wall in taken) / _BATCH * 1e6


def _calls(app: Any, environ: Any) -> float:
    profile = cProfile.Profile()
    for _ in range(_COUNTED):
        profile.runcall(_send, app, environ())
    return float(pstats.Stats(profile).total_calls) / _COUNTED  # type: ignore[attr-defined]


def _syncs(app: Any, environ: Any) -> float:
    with patch("os.fsync", wraps=os.fsync) as counted:
        for _ in range(_COUNTED):
            _send(app, environ())
    return counted.call_count / _COUNTED


def _pages(app: Any, environ: Any, folder: Path) -> float:
    """Pages that a commit writes, on the mean; between two uploads the log is emptied."""
    (log,) = folder.rglob("*-wal")
    pages = 0
    with closing(sqlite3.connect(str(log).removesuffix("-wal"))) as connection:
        for _ in range(_COUNTED):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            _send(app, environ())
            pages += (log.stat().st_size - _LOG_HEADER_BYTES) // _FRAME_BYTES
    return pages / _COUNTED


def _print_shares(app: Any) -> None:
    profile = cProfile.Profile()
    for _ in range(1000):
        profile.runcall(_send, app, _form())
    stats: Any = pstats.Stats(profile)
    whole = _seconds(stats, ("upload_profile.py", "_send"))
    for label, part, without in _PARTS:
        seconds = _seconds(stats, part) - (_seconds(stats, without) if without else 0)
        print(f"  {label:<40} {100 * seconds / whole:>5.1f} %")


def _send(app: Any, environ: dict[str, Any]) -> None:
    body = app(environ, _expect_success)
    for _ in body:
        pass
    getattr(body, "close", lambda: None)()


def _expect_success(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
    assert status == "201 CREATED", status


def _form() -> dict[str, Any]:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
    body = (
        f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + _picture() + f"\r\n--{_BOUNDARY}--\r\n".encode()
    )
    return _environ("POST", "/upload", f"multipart/form-data; boundary={_BOUNDARY}", body)


def _raw() -> dict[str, Any]:
    return _environ("PUT", "/upload/a.jpg", "image/jpeg", _picture())


def _picture() -> bytes:
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + os.urandom(_SIZE)


def _environ(method: str, path: str, content_type: str, body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "curl/7.88.1",
        "HTTP_ACCEPT": "*/*",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


if __name__ == "__main__":
    main()

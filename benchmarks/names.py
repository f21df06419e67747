"""Folded names on a table of files of an earlier release, on both databases: the time of the migration up and down, the
pace of the backfill, how long a change waits meanwhile, and a search for a rare name before and after.

`python -m benchmarks.names --rows 1000000`. Four names in five are Korean, half of these decomposed.
"""

import argparse
import tempfile
import threading
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import insert

from benchmarks.history import LargeMariaDB
from filewallball import create_app
from filewallball.clock import now_us
from filewallball.database.schema import downgrade, upgrade
from filewallball.files.name_backfill import NameBackfill
from filewallball.files.queries import FileFilter, list_files
from filewallball.files.tables import LIVE, PUBLIC, files
from filewallball.recording.caller import Caller
from filewallball.settings.loading import load_settings
from harness.parts import Parts
from harness.servers import Service

T = TypeVar("T")
_BATCH = 5000
_FORMS = (
    "분기 보고서 {} 최종.HWPX",
    unicodedata.normalize("NFD", "회의록 {} 초안.DOCX"),
    "Report {} FINAL.PDF",
)
_RARE = "보고서 10 최종.hwpx"


def main() -> None:
    """Print every figure for both databases."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=200_000)
    rows: int = arguments.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="filewallball-names-") as name:
        folder = Path(name)
        _measure(folder / "sqlite", f"sqlite:///{folder}/names.db", rows)
        server = LargeMariaDB(folder / "server", 512)
        server.start()
        try:
            _measure(folder / "mariadb", server.database("names"), rows)
        finally:
            server.stop()


def _measure(folder: Path, url: str, rows: int) -> None:
    settings = {"DATABASE_URL": url, "DATABASE_TIMEOUT": "3600s", "MIN_FREE_SPACE": "0"}
    service = Service(folder, settings)
    service.cli("prepare")
    app = create_app(load_settings({**settings, "DATA_DIR": str(service.data_dir)}))
    parts = Parts(app)
    print(f"\n{parts.database.dialect.title}, {rows:,} rows", flush=True)
    _fill(parts, rows)
    with app.app_context():
        _timed("migration down", lambda: downgrade("0007"))
        _timed("migration up", upgrade)
    _timed("search before the backfill", lambda: _search(parts))
    backfill = NameBackfill(parts.database)
    backfill.run()
    waits: list[float] = []
    with_writes = threading.Thread(target=_write, args=(parts, stop := threading.Event(), waits), daemon=True)
    with_writes.start()
    began = time.monotonic()
    done = backfill.run()
    print(f"{'backfill':<28}{done / (time.monotonic() - began):>10,.0f} rows/s")
    stop.set()
    with_writes.join()
    waits.sort()
    print(f"{'change meanwhile, p99':<28}{waits[len(waits) * 99 // 100] * 1000:>10,.1f} ms of {len(waits)}")
    _timed("search after the backfill", lambda: _search(parts))
    parts.database.close()


def _fill(parts: Parts, rows: int) -> None:
    began = now_us()
    for first in range(0, rows, _BATCH):
        numbers = range(first, min(rows, first + _BATCH))
        with parts.database.begin() as connection:
            connection.execute(insert(files), [_row(began, number) for number in numbers])


def _row(began: int, number: int) -> dict[str, Any]:
    texts = {"description": "", "claimed_type": "", "delete_digest": "", "client_ip": "192.0.2.7"}
    return {
        "file_id": f"{number:036}",
        "state": LIVE,
        "visibility": PUBLIC,
        "filename": _FORMS[number % 5 // 2].format(number),
        "file_size": 1,
        "mime_type": "text/plain",
        "file_hash": f"{number:064}",
        "blob_id": number,
        "owner_id": 0,
        "upload_us": began + number,
        **texts,
    }


def _write(parts: Parts, stop: threading.Event, waits: list[float]) -> None:
    """Insert files as an upload does, one every 20 ms, until told to stop."""
    while not stop.wait(0.02):
        began = time.monotonic()
        row = {**_row(now_us(), 0), "file_id": str(time.monotonic_ns()), "name_folded": "x"}
        parts.database.commit(lambda connection, row=row: connection.execute(insert(files), row))  # type: ignore[misc]
        waits.append(time.monotonic() - began)


def _search(parts: Parts) -> None:
    page = list_files(parts.database, Caller(), FileFilter(name=_RARE), page=1, size=50)
    assert [row.filename for row in page.rows] == [_FORMS[0].format(10)]


def _timed(what: str, work: Callable[[], T]) -> T:
    began = time.monotonic()
    found = work()
    print(f"{what:<28}{time.monotonic() - began:>10.2f} s", flush=True)
    return found


if __name__ == "__main__":
    main()

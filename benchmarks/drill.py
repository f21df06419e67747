"""The drill: a host with 10,000 files is backed up while it serves, lost, brought back from nothing, and verified.

Prints the seconds that each part takes, and how long requests wait during the backup beside just before it.
"""

import argparse
import hashlib
import http.client
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import orjson

from harness.servers import Service
from harness.shell import Shell

_CLIENTS = 4
_LOADERS = 8
_LARGEST_BYTES = 64 * 1024


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="filewallball-drill-", dir=options.folder) as name:
        run(Path(name), options)


def run(folder: Path, options: argparse.Namespace) -> None:
    lost, backups = Service(folder / "lost", {"MIN_FREE_SPACE": "0"}), folder / "backups"
    lost.start()
    kept: dict[str, str] = {}
    place = Service(folder / "place", {"MIN_FREE_SPACE": "0"})
    try:
        with _timed(f"store {options.files} files"):
            kept = _fill(lost, options.files)
        before = _waits(lost, kept, until=_after(options.seconds))
        backup = Shell(lost.environment()).start("backup", "create", "--create", str(backups))
        with _timed("backup, while it serves"):
            during = _waits(lost, kept, until=lambda: backup.poll() is not None)
        _check(backup)
        with _timed("a second backup, nothing new"):
            _check(Shell(lost.environment()).start("backup", "create", str(backups)))
        lost.kill()
        shutil.rmtree(lost.data_dir)
        with _timed("restore to an empty place"):
            _check(Shell(place.environment()).start("backup", "restore", str(backups)))
        with _timed("start"):
            place.start()
        with _timed("verify every byte over HTTP"):
            _verify(place, kept)
        with _timed("verify the audit log"):
            _check(Shell(place.environment()).start("audit", "verify"))
    finally:
        lost.kill()
        place.kill()
    _compare(before, during)


def _fill(service: Service, files: int) -> dict[str, str]:
    """Upload so many unlike files; their digests by id."""
    seeds = random.Random(0)
    sizes = [seeds.randint(1, _LARGEST_BYTES) for _ in range(files)]

    def upload(size: int) -> tuple[str, str]:
        content = os.urandom(size)
        status, body = _ask(service, "PUT", "/upload/a.bin", content)
        assert status == 201, body
        return str(orjson.loads(body)["file_id"]), hashlib.sha256(content).hexdigest()

    with ThreadPoolExecutor(_LOADERS) as pool:
        return dict(pool.map(upload, sizes))


def _waits(service: Service, kept: dict[str, str], until: Callable[[], bool]) -> list[float]:
    """Seconds that each of many downloads and uploads waited; all of them must succeed."""
    ids, waits = list(kept), list[float]()

    def ask(number: int) -> None:
        chosen = random.Random(number)
        while not until():
            began = time.perf_counter()
            if chosen.random() < 0.1:
                status, _ = _ask(service, "PUT", "/upload/more.bin", os.urandom(4096))
            else:
                status, _ = _ask(service, "GET", f"/download/{chosen.choice(ids)}")
            waits.append(time.perf_counter() - began)
            assert status in (200, 201), status

    with ThreadPoolExecutor(_CLIENTS) as pool:
        for done in [pool.submit(ask, number) for number in range(_CLIENTS)]:
            done.result()
    return waits


def _verify(service: Service, kept: dict[str, str]) -> None:
    def same(item: tuple[str, str]) -> bool:
        status, body = _ask(service, "GET", f"/download/{item[0]}")
        return status == 200 and hashlib.sha256(body).hexdigest() == item[1]

    with ThreadPoolExecutor(_LOADERS) as pool:
        whole = sum(pool.map(same, kept.items()))
    assert whole == len(kept), f"only {whole} of {len(kept)} files came back"


def _ask(service: Service, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _compare(before: list[float], during: list[float]) -> None:
    print(f"\n{'':<24}{'requests':>9}{'median':>11}{'p99':>11}")
    for name, waits in (("without a backup", before), ("during the backup", during)):
        p99 = statistics.quantiles(waits, n=100)[98]
        print(f"{name:<24}{len(waits):>9}{statistics.median(waits) * 1e3:>8.1f} ms{p99 * 1e3:>8.1f} ms")


def _after(seconds: float) -> Callable[[], bool]:
    end = threading.Event()
    timer = threading.Timer(seconds, end.set)
    timer.start()
    return end.is_set


def _check(process: "subprocess.Popen[bytes]") -> None:
    if process.wait():
        raise SystemExit(f"{process.args!r} failed")


@contextmanager
def _timed(name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"{name:<32}{time.perf_counter() - began:>8.1f} s", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to measure without a backup")
    parser.add_argument("--folder", default=None, help="where to work; the disk that is to be measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()

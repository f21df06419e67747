"""Downloads behind nginx beside many slow resumable uploads, against downloads alone, in turns.

Each upload sends a little every second, below what most clients do. The downloads are driven by wrk.
"""

import argparse
import os
import socket
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import wrk
from benchmarks.servers import running
from harness.servers import Front, Service

_VERSION = {"Tus-Resumable": "1.0.0"}
_LENGTH, _PIECE = 64 * 1024 * 1024, b"\x93" * 2048
_CONNECTIONS = 8


def main() -> None:
    options = _options()
    settings = {
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "X_ACCEL": "true",
        "SYNC_WORKERS": "2",
        "WEB_CONCURRENCY": str(1 + options.uploads // 60),  # half of the threads take resumable uploads
        "THREADS": "256",
        "UPLOADS_PER_CLIENT": str(10 * options.uploads),
        "MAX_UPLOAD_SIZE": "1GB",
        "MIN_FREE_SPACE": "0",
        "LOG_LEVEL": "WARNING",
    }
    with tempfile.TemporaryDirectory(prefix="filewallball-slow-", dir=options.folder) as name:
        service, front = Service(Path(name) / "service", settings), Front(Path(name) / "front")
        with running(service):
            front.ship(service.environment())
            with running(front):
                _compare(service, front, options)


def _compare(service: Service, front: Front, options: argparse.Namespace) -> None:
    content = os.urandom(options.kibibytes * 1024)
    file_id = service.request("PUT", "/upload/a.bin", data=content).json()["file_id"]
    url = f"{front.url}/download/{file_id}"
    rates: dict[int, list[float]] = {0: [], options.uploads: []}
    failures = 0
    wrk.run(url, _CONNECTIONS, 2)
    for number in range(options.rounds):
        for count in list(rates)[:: -1 if number % 2 else 1]:
            with _slow_uploads(front, count):
                load = wrk.run(url, _CONNECTIONS, options.seconds)
            rates[count].append(load.rate)
            failures += load.failures
    alone, beside = (statistics.median(each) for each in rates.values())
    print(
        f"downloads of {options.kibibytes} KiB a second: alone {alone:.0f}, beside {options.uploads} slow uploads"
    )
    print(f"{beside:.0f}: {beside / alone:.2f} of it; {failures} failed")


@contextmanager
def _slow_uploads(front: Front, count: int) -> Iterator[None]:
    """So many uploads under way inside the block."""
    ending = threading.Event()
    with ExitStack() as stack:
        clients = [stack.enter_context(_begun(front)) for _ in range(count)]
        trickle = threading.Thread(target=_trickle, args=(clients, ending))
        trickle.start()
        try:
            yield
        finally:
            ending.set()
            trickle.join()


def _begun(front: Front) -> socket.socket:
    connection = HTTPConnection("127.0.0.1", front.port, timeout=60)
    connection.request("POST", "/uploads", headers={**_VERSION, "Upload-Length": str(_LENGTH)})
    location = connection.getresponse().headers["Location"]
    connection.close()
    client = socket.create_connection(("127.0.0.1", front.port), 60)
    lines = {
        **_VERSION,
        "Host": f"127.0.0.1:{front.port}",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(_LENGTH),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    client.sendall(f"PATCH {location} HTTP/1.1\r\n{head}\r\n".encode() + _PIECE)
    return client


def _trickle(clients: list[socket.socket], ending: threading.Event) -> None:
    while not ending.wait(1):
        for client in clients:
            client.sendall(_PIECE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--kibibytes", type=int, default=256, help="size of the file that is downloaded")
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the service keeps its data")
    return parser.parse_args()


if __name__ == "__main__":
    main()

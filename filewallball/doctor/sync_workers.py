"""Check of `filewallball doctor` that sync workers answer, and that nginx reaches them."""

import socket
from http.client import HTTPConnection, HTTPException

from filewallball.doctor.host import BAD, OK, Diagnosis
from filewallball.doctor.neighbours import ask
from filewallball.settings.service import Settings

_NAME = "sync workers"
_SECONDS = 10
_UNREACHED = (502, 504)


def sync_workers(settings: Settings) -> Diagnosis:
    """Ask them over their socket, then over nginx, which has to have the right to write to it."""
    if not settings.sync_workers:
        return Diagnosis(_NAME, OK, "SYNC_WORKERS=0: the pool of threads answers everything")
    connection = _Local(settings.sync_socket)
    try:
        connection.request("GET", "/health/live", headers={"Connection": "close"})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return Diagnosis(_NAME, BAD, f"{settings.sync_socket} does not answer: {error}")
    finally:
        connection.close()
    if status != 200:
        return Diagnosis(_NAME, BAD, f"{settings.sync_socket} answers {status}")
    return _behind_nginx(settings)


def _behind_nginx(settings: Settings) -> Diagnosis:
    if not settings.public_url:
        return Diagnosis(_NAME, OK, "they answer; PUBLIC_URL is not set, so nginx was not asked")
    url = f"{settings.public_url}/files"
    try:
        status, _ = ask(url, method="OPTIONS")  # is no operation, and leaves no record
    except (OSError, HTTPException, ValueError) as error:
        return Diagnosis(_NAME, BAD, f"{url} does not answer: {error}")
    if status in _UNREACHED:
        said = (
            f"they answer, but nginx does not reach them ({status}): its user needs the group of the service"
        )
        return Diagnosis(_NAME, BAD, said)
    return Diagnosis(_NAME, OK, "they answer, over nginx too")


class _Local(HTTPConnection):
    """A connection over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)

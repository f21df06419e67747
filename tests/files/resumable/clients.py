"""The official clients, each on a way of its own to the shipped nginx, on which connections are cut."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from harness.servers import Relay
from harness.waiting import wait_until
from tests.files.resumable.place import Place

PROGRAM = Path(__file__).with_name("upload.js")
NODE_MODULES = Path(sys.prefix) / "node" / "node_modules"
_ATTEMPTS, _PAUSE_SECONDS = 400, 0.1
_CHUNK_BYTES = 1_000_000
NODE_OPTIONS: list[dict[str, Any]] = [
    {},
    {"chunkSize": _CHUNK_BYTES},
    {"uploadDataDuringCreation": True},
    {"overridePatchMethod": True},
    {"parallelUploads": 3},
]

Client = Callable[[Place, Path], str]
"""Uploads a file, and returns the id under which it is kept."""


def by_node(place: Place, source: Path, options: dict[str, Any]) -> str:
    """Upload with tus-js-client."""
    options = {"retryDelays": [_PAUSE_SECONDS * 1000] * _ATTEMPTS, **options}
    command = ["node", str(PROGRAM), place.endpoint, str(source), json.dumps(options)]
    environ = {**os.environ, "NODE_PATH": str(NODE_MODULES), "no_proxy": "*"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    file_id = _kept(place, told["url"], source)
    assert told["file"] in (None, "", file_id)
    return file_id


def by_python(place: Place, source: Path) -> str:
    """Upload with tuspy, in chunks that are checked."""
    with source.open("rb") as file:
        return _kept(place, _send(place, file).url, source)


def _send(place: Place, file: BinaryIO) -> Any:
    uploader = TusClient(place.endpoint).uploader(
        file_stream=file,
        chunk_size=_CHUNK_BYTES,
        metadata={"filename": "from-python.bin"},
        retries=_ATTEMPTS,
        retry_delay=_PAUSE_SECONDS,
        upload_checksum=True,
    )
    uploader.set_url(wait_until(lambda: _begun(uploader), what="the upload is begun"))
    uploader.upload()
    return uploader


def _begun(uploader: Any) -> str:
    """The address of an upload, which tuspy asks for once alone."""
    with suppress(TusCommunicationError):
        return str(uploader.create_url())
    return ""


def _kept(place: Place, url: str, source: Path) -> str:
    """The id of the file that an upload has become: all of its bytes have arrived."""
    head = wait_until(lambda: _asked(place, url), what="it is told")
    assert head is not None
    assert int(head.headers["Upload-Offset"]) == source.stat().st_size
    return head.headers["X-File-Id"]


def _asked(place: Place, url: str) -> requests.Response | None:
    with suppress(requests.RequestException):
        answer = place.tus.head(url)
        return answer if answer.status_code < 500 else None
    return None


CLIENTS: list[Client] = [*(partial(by_node, options=options) for options in NODE_OPTIONS), by_python]


@contextmanager
def cut(place: Place, times: int, size: int) -> Iterator[Place]:
    """The same place on a way that is cut so often, at bytes that nobody chose, before `size` bytes have passed."""
    relay = Relay(place.front.port).start()
    relay.cut_at.extend(random.randint(1, min(size // times, _CHUNK_BYTES)) for _ in range(times))
    try:
        yield replace(place, relay=relay)
        assert not relay.cut_at
    finally:
        relay.stop()

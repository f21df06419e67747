"""The official clients behind the shipped nginx, on connections that are cut: one file, one row, the right bytes."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from tusclient.client import TusClient

from tests.files.resumable.place import Place, opened
from tests.files.resumable.tus import noise

pytestmark = pytest.mark.server
SIZE = 6 * 1024 * 1024
PROGRAM = Path(__file__).with_name("upload.js")
NODE_MODULES = Path(sys.prefix) / "node" / "node_modules"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The way of all clients of this module, who all come from one address."""
    with opened(tmp_path_factory.mktemp("clients"), {"UPLOADS_PER_CLIENT": "1000"}) as found:
        yield found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file to upload."""
    path = tmp_path / "source.bin"
    path.write_bytes(noise(SIZE))
    return path


def by_node(place: Place, source: Path, options: dict[str, Any]) -> str:
    """Upload with tus-js-client; returns the file's id."""
    command = ["node", str(PROGRAM), place.endpoint, str(source), json.dumps(options)]
    environ = {**os.environ, "NODE_PATH": str(NODE_MODULES), "no_proxy": "*"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    head = place.tus.head(told["url"])
    assert int(head.headers["Upload-Offset"]) == SIZE
    assert told["file"] in (None, "", head.headers["X-File-Id"])
    return head.headers["X-File-Id"]


def by_python(place: Place, source: Path, chunk_size: int) -> str:
    """Upload with tuspy; returns the file's id."""
    with source.open("rb") as file:
        uploader = _send(place, file, chunk_size)
    return place.tus.head(uploader.url).headers["X-File-Id"]


def _send(place: Place, file: BinaryIO, chunk_size: int) -> Any:
    uploader = TusClient(place.endpoint).uploader(
        file_stream=file,
        chunk_size=chunk_size,
        metadata={"filename": "from-python.bin"},
        retries=20,
        retry_delay=0.2,
        upload_checksum=True,
    )
    uploader.upload()
    return uploader


def cut(place: Place, times: int) -> None:
    """Have the next connections cut at bytes that nobody chose, none beyond the chunks of a client."""
    place.relay.cut_at.extend(random.randint(100_000, 900_000) for _ in range(times))


@pytest.mark.parametrize(
    "options",
    [{}, {"chunkSize": 1_000_000}, {"uploadDataDuringCreation": True}, {"overridePatchMethod": True}],
)
def test_tus_js_client_comes_through_cuts(
    place: Place, source: Path, options: dict[str, Any], rounds: Callable[[int, int], int]
) -> None:
    for _ in range(rounds(1, 50)):
        cut(place, 3)
        file_id = by_node(place, source, options)

        assert not place.relay.cut_at
        place.check(file_id, source.read_bytes())


def test_tus_js_client_sends_parts_at_once(place: Place, source: Path) -> None:
    cut(place, 3)
    file_id = by_node(place, source, {"parallelUploads": 3})

    place.check(file_id, source.read_bytes())
    assert not place.relay.cut_at


def test_tuspy_comes_through_cuts(place: Place, source: Path, rounds: Callable[[int, int], int]) -> None:
    for _ in range(rounds(1, 50)):
        cut(place, 3)
        file_id = by_python(place, source, 1_000_000)

        assert not place.relay.cut_at
        place.check(file_id, source.read_bytes())

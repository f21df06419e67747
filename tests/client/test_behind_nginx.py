"""The client at a service behind the shipped nginx, which sends the bytes and knows the public address."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from filewallball_client import Client
from harness.servers import Front, Service
from tests.client.command import Fwb
from tests.client.conftest import SETTINGS

BEHIND = {"TRUSTED_PROXIES": "127.0.0.0/8", "X_ACCEL": "true", "SYNC_WORKERS": "1"}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The shipped nginx in front of a service of its own."""
    folder = tmp_path_factory.mktemp("behind")
    front = Front(folder / "front")
    service = Service(folder / "service", {**SETTINGS, **BEHIND, "PUBLIC_URL": front.url}).start()
    front.ship(service.environment())
    yield front.start()
    front.kill()
    service.kill()


@pytest.mark.parametrize("size", [0, 1000, 9 * 1024 * 1024], ids=["empty", "small", "large"])
def test_files_go_both_ways_through_nginx(fwb: Fwb, front: Front, tmp_path: Path, size: int) -> None:
    content, path = os.urandom(size), tmp_path / "한글 #1.bin"
    path.write_bytes(content)
    fwb.server = front.url

    (record,) = fwb("upload", path, "--public", "--json").records
    done = fwb("get", record["download_url"], "-o", tmp_path / "fetched")

    assert record["download_url"].startswith(front.url)
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "fetched").read_bytes() == content
    assert fwb("rm", record["file_id"]).code == 0


def test_a_partial_download_is_continued_by_a_range_that_nginx_cuts(front: Front, tmp_path: Path) -> None:
    content, path = os.urandom(3 * 1024 * 1024), tmp_path / "a.bin"
    path.write_bytes(content)

    with Client(front.url) as client:
        file = client.upload(path)
        (tmp_path / f".fwb-{file.file_id}-{file.file_hash[:16]}.part").write_bytes(content[:2_000_000])
        client.download(file.file_id, tmp_path / "fetched")

    assert (tmp_path / "fetched").read_bytes() == content
    assert 206 in [json.loads(line)["status_code"] for line in front.lines().splitlines()]

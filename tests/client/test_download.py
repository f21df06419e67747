"""Downloads go on where they stopped, are compared with their digest, and replace nothing unasked."""

import io
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball_client import Client, DigestMismatch, LocalError, StoredFile, Unreachable
from harness.servers import Relay, Service
from harness.waiting import wait_until
from tests.client.command import Fwb

CONTENT = os.urandom(6 * 1024 * 1024)
Parts = Callable[[], list[Path]]


@pytest.fixture(scope="module")
def stored(service: Service) -> StoredFile:
    """A file of 6 MiB at the service."""
    with Client(service.url) as client:
        return client.upload(io.BytesIO(CONTENT), name="big.bin")


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """The partial files that lie in the test's folder."""
    return lambda: sorted(tmp_path.glob(".fwb-*.part"))


def test_a_download_that_is_cut_again_and_again_ends_whole(
    relay: Relay, stored: StoredFile, tmp_path: Path, parts: Parts
) -> None:
    relay.most_bytes = 2 * 1024 * 1024

    with Client(f"http://127.0.0.1:{relay.port}", retry_seconds=20) as client:
        client.download(stored.file_id, tmp_path / "fetched")

    assert relay.cuts >= 2
    assert (tmp_path / "fetched").read_bytes() == CONTENT
    assert parts() == []


def test_a_stream_gets_each_byte_once_over_several_connections(
    relay: Relay, stored: StoredFile, tmp_path: Path
) -> None:
    relay.most_bytes = 2 * 1024 * 1024

    server = f"http://127.0.0.1:{relay.port}"
    with Client(server, retry_seconds=20) as client, (tmp_path / "fetched").open("wb") as target:
        client.read_into(stored.file_id, target)

    assert (tmp_path / "fetched").read_bytes() == CONTENT


def test_a_reader_who_takes_his_time_costs_no_patience(
    relay: Relay, stored: StoredFile, hour_passes: Callable[[], None]
) -> None:
    relay.most_bytes = 2 * 1024 * 1024
    server, target = f"http://127.0.0.1:{relay.port}", io.BytesIO()

    with Client(server, retry_seconds=20) as client:
        client.read_into(stored.file_id, target, progress=lambda done, total: hour_passes())

    assert target.getvalue() == CONTENT


def test_a_later_command_asks_for_what_is_missing_alone(
    client: Client, relay: Relay, stored: StoredFile, tmp_path: Path, parts: Parts
) -> None:
    relay.most_bytes = 2 * 1024 * 1024
    with Client(f"http://127.0.0.1:{relay.port}", retry_seconds=0) as impatient, pytest.raises(Unreachable):
        impatient.download(stored.file_id, tmp_path / "fetched")
    (part,) = parts()
    there, seen = part.stat().st_size, list[int]()
    assert there > 0

    client.download(stored.file_id, tmp_path / "fetched", progress=lambda done, total: seen.append(done))

    assert seen[0] == there
    assert (tmp_path / "fetched").read_bytes() == CONTENT


def test_a_partial_file_with_other_bytes_is_noticed_and_dropped(
    client: Client, stored: StoredFile, tmp_path: Path, parts: Parts
) -> None:
    path = tmp_path / f".fwb-{stored.file_id}-{stored.file_hash[:16]}.part"
    path.write_bytes(b"x" * 1000)

    with pytest.raises(DigestMismatch):
        client.download(stored.file_id, tmp_path / "fetched")

    assert not (tmp_path / "fetched").exists()
    assert parts() == []


def test_a_partial_file_that_is_too_long_is_begun_anew(
    client: Client, stored: StoredFile, tmp_path: Path
) -> None:
    path = tmp_path / f".fwb-{stored.file_id}-{stored.file_hash[:16]}.part"
    path.write_bytes(b"x" * (len(CONTENT) + 1))

    client.download(stored.file_id, tmp_path / "fetched")

    assert (tmp_path / "fetched").read_bytes() == CONTENT


def test_a_link_in_place_of_the_partial_file_leads_nowhere(
    client: Client, stored: StoredFile, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    path = tmp_path / f".fwb-{stored.file_id}-{stored.file_hash[:16]}.part"
    path.symlink_to(tmp_path / "precious")

    with pytest.raises(LocalError):
        client.download(stored.file_id, tmp_path / "fetched")

    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_a_file_that_appears_meanwhile_is_not_replaced(
    client: Client, stored: StoredFile, tmp_path: Path
) -> None:
    path = tmp_path / "fetched"

    def appear(done: int, total: int) -> None:
        path.write_bytes(b"precious")

    with pytest.raises(LocalError):
        client.download(stored.file_id, path, progress=appear)

    assert path.read_bytes() == b"precious"


def test_a_full_disk_is_told_as_such(client: Client, stored: StoredFile) -> None:
    with pytest.raises(LocalError, match="No space left"), Path("/dev/full").open("wb") as full:
        client.read_into(stored.file_id, full)


def test_after_ctrl_c_the_same_command_goes_on(
    fwb: Fwb, relay: Relay, stored: StoredFile, tmp_path: Path, parts: Parts
) -> None:
    fwb.server = f"http://127.0.0.1:{relay.port}"
    relay.pace_seconds = 0.2
    arguments = ("get", stored.file_id, "-o", tmp_path / "fetched")
    process = fwb.start(*arguments, stderr=subprocess.PIPE)
    wait_until(lambda: parts() and parts()[0].stat().st_size > 0, seconds=30, what="a part has arrived")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    relay.pace_seconds = 0.0

    assert process.returncode == 130
    assert b"The same command goes on" in err
    assert len(parts()) == 1
    assert fwb(*arguments).code == 0
    assert (tmp_path / "fetched").read_bytes() == CONTENT

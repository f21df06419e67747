"""Uploads above 8 MiB go on after whatever interrupts them, and end as one file."""

import io
import os
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from filewallball_client import Client, LocalError, Refused
from harness.servers import Relay, Service
from harness.waiting import wait_until
from tests.client.command import Fwb
from tests.client.conftest import ADMIN_TOKEN, SETTINGS
from tests.client.uploads import ADMIN, CONTENT, HALF, MARK, created, kept, unfinished


@pytest.fixture
def stuck(relay: Relay) -> Relay:
    """The relay, in which connections hang from the mark on."""
    relay.lose = MARK
    return relay


def through(relay: Relay, seen: list[int] | None = None, **options: Any) -> Client:
    """A client through the relay, which cuts nothing any more once the client waits; that is noted as -1."""

    def mend(message: str) -> None:
        relay.cut_before = relay.cut_after = b""
        if seen is not None:
            seen.append(-1)

    options = {"token": ADMIN_TOKEN, "retry_seconds": 60, **options}
    return Client(f"http://127.0.0.1:{relay.port}", notify=mend, **options)


def interrupt(fwb: Fwb, relay: Relay, path: Path, number: int) -> tuple[int, bytes]:
    """Begin to upload, and send a signal once half of it has passed. The exit code, and what was told."""
    process = fwb.start("upload", path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        wait_until(lambda: relay.cuts, 60, "half of the file has passed")
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, err


def test_a_cut_connection_costs_what_was_on_its_way_alone(service: Service, relay: Relay, path: Path) -> None:
    relay.cut_before, seen = MARK, list[int]()

    with through(relay, seen) as client:
        uploaded = client.upload(path, progress=lambda done, total: seen.append(done))
        fetched = io.BytesIO()
        client.read_into(uploaded.file_id, fetched)

    assert fetched.getvalue() == CONTENT
    assert uploaded.filename == path.name
    assert relay.cuts == 1
    assert seen[seen.index(-1) + 1] > HALF // 2
    assert created(service, path.name) == 1


def test_a_connection_that_breaks_after_hours_costs_no_patience(
    relay: Relay, path: Path, hour_passes: Callable[[], None]
) -> None:
    relay.cut_before = MARK

    with through(relay) as client:
        uploaded = client.upload(path, progress=lambda done, total: hour_passes())

    assert relay.cuts == 1
    assert uploaded.file_size == path.stat().st_size


def test_a_lost_last_answer_makes_no_second_file(service: Service, relay: Relay, path: Path) -> None:
    end = os.urandom(16)
    path.write_bytes(CONTENT + end)
    relay.cut_after = end

    with through(relay) as client:
        uploaded = client.upload(path)

    assert relay.cuts == 1
    assert kept(service, path.name) == [uploaded.file_hash]


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name
)
def test_after_an_interruption_the_same_command_goes_on(
    fwb: Fwb, service: Service, stuck: Relay, path: Path, number: signal.Signals
) -> None:
    fwb.server = f"http://127.0.0.1:{stuck.port}"
    fwb.environ["FWB_TOKEN"] = ADMIN_TOKEN

    code, err = interrupt(fwb, stuck, path, number)
    stuck.lose = b""
    done = fwb("upload", path, "--json")

    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    assert b"Traceback" not in err
    assert done.code == 0
    assert kept(service, path.name) == [done.records[0]["file_hash"]]
    assert created(service, path.name) == 1
    assert list((fwb.home / ".local/state/fwb/uploads").iterdir()) == []


def test_a_service_that_is_killed_and_started_again_gets_the_rest(tmp_path: Path, path: Path) -> None:
    service, seen = Service(tmp_path / "service", SETTINGS).start(), list[int]()

    def kill(done: int, total: int) -> None:
        seen.append(done)
        if done > HALF and -1 not in seen:
            service.kill()

    def start(message: str) -> None:
        seen.append(-1)
        if not service.is_running():
            service.start()

    with Client(service.url, token=ADMIN_TOKEN, retry_seconds=60, notify=start) as client:
        uploaded = client.upload(path, progress=kill)

    assert -1 in seen
    assert kept(service, path.name) == [uploaded.file_hash]
    service.kill()


def test_what_is_remembered_is_for_its_user_alone(
    fwb: Fwb, service: Service, stuck: Relay, path: Path
) -> None:
    fwb.server = f"http://127.0.0.1:{stuck.port}"

    interrupt(fwb, stuck, path, signal.SIGKILL)

    folder = fwb.home / ".local/state/fwb/uploads"
    (remembered,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(remembered.stat().st_mode) == 0o600


def test_a_file_that_has_changed_is_begun_anew(fwb: Fwb, service: Service, stuck: Relay, path: Path) -> None:
    fwb.server = f"http://127.0.0.1:{stuck.port}"
    interrupt(fwb, stuck, path, signal.SIGINT)
    stuck.lose = b""
    path.write_bytes(CONTENT[::-1])

    assert fwb("upload", path, "--public").code == 0
    assert fwb("upload", path).code == 0
    assert created(service, path.name) == 3


def test_an_upload_that_the_service_has_given_up_is_begun_anew(
    fwb: Fwb, service: Service, stuck: Relay, path: Path
) -> None:
    fwb.server = f"http://127.0.0.1:{stuck.port}"
    interrupt(fwb, stuck, path, signal.SIGINT)
    stuck.lose = b""
    (upload,) = unfinished(service, path.name)
    assert service.request("DELETE", f"/api/v1/uploads/{upload['upload_id']}", headers=ADMIN).ok

    done = fwb("upload", path)

    assert (done.code, done.err) == (0, "")
    assert created(service, path.name) == 2


def test_two_processes_do_not_upload_one_file_at_once(service: Service, path: Path, tmp_path: Path) -> None:
    refused: list[str] = []

    def intrude(done: int, total: int) -> None:
        if refused:
            return
        other = Client(service.url, state_folder=tmp_path / "state")
        with other, pytest.raises(LocalError, match="another process is uploading") as caught:
            other.upload(path)
        refused.append(str(caught.value))

    with Client(service.url, state_folder=tmp_path / "state") as client:
        client.upload(path, progress=intrude)

    assert refused
    assert created(service, path.name) == 1


def test_what_is_remembered_and_cannot_be_read_is_begun_anew(
    fwb: Fwb, service: Service, stuck: Relay, path: Path
) -> None:
    fwb.server = f"http://127.0.0.1:{stuck.port}"
    interrupt(fwb, stuck, path, signal.SIGKILL)
    stuck.lose = b""
    (remembered,) = (fwb.home / ".local/state/fwb/uploads").iterdir()
    remembered.write_text('{"size": ')

    assert fwb("upload", path).code == 0


def test_a_home_that_cannot_be_written_to_only_means_that_nothing_is_remembered(
    fwb: Fwb, service: Service, path: Path, tmp_path: Path
) -> None:
    (tmp_path / "no-folder").write_text("")

    done = fwb("upload", path, XDG_STATE_HOME=str(tmp_path / "no-folder"))

    assert done.code == 0
    assert "it must begin anew" in done.err
    assert "the token to delete it cannot be kept here" in done.err


def test_a_final_refusal_is_told_and_forgotten(fwb: Fwb, path: Path) -> None:
    path.write_bytes(Path("/bin/true").read_bytes() + bytes(9 * 1024 * 1024))

    done = fwb("upload", path)

    assert done.code == 1
    assert "code invalid_file_type, request req_" in done.err
    assert list((fwb.home / ".local/state/fwb/uploads").iterdir()) == []


def test_a_file_beyond_the_limit_is_refused_before_it_is_sent(service: Service, tmp_path: Path) -> None:
    path, seen = tmp_path / "huge.bin", list[int]()
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)

    with Client(service.url) as client, pytest.raises(Refused) as caught:
        client.upload(path, progress=lambda done, total: seen.append(done))

    assert caught.value.problem.code == "file_too_large"
    assert seen == []


def test_standard_input_survives_a_cut_too(relay: Relay, service: Service) -> None:
    relay.cut_before = MARK

    with through(relay) as client:
        uploaded = client.upload(io.BytesIO(CONTENT), name="from-a-pipe.bin")

    assert relay.cuts == 1
    assert uploaded.file_size == len(CONTENT)


def test_a_large_file_in_quarantine_is_told_as_such(fwb: Fwb, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"#!/bin/sh\necho a script\n" + b"#" * 9 * 1024 * 1024)

    done = fwb("upload", path, "--json")

    assert done.code == 0
    assert done.records[0]["is_quarantined"]
    assert "is in quarantine" in done.err


def test_a_description_too_long_for_an_address_reaches_the_service(fwb: Fwb, tmp_path: Path) -> None:
    path = tmp_path / "described.txt"
    path.write_text("words\n")
    description = "긴 설명 " * 190

    (record,) = fwb("upload", path, "--description", description, "--json").records

    assert record["description"].strip() == description.strip()

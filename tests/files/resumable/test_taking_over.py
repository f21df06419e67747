"""Requests that break, hang, stop and meet: the bytes are right, and the next request goes on at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.servers import Service
from harness.waiting import wait_until
from tests.files.resumable.tus import KB, Tus, holder_of, noise, status_of, stopped, upload_id_of

pytestmark = pytest.mark.server
SIZE = 2000 * KB


def arrived(server: Service, before: float) -> None:
    """Wait until bytes have come that were not there before; the last megabyte may still wait to be written."""
    wait_until(lambda: received(server) - before >= SIZE // 4, 60, "bytes have arrived")


def received(server: Service) -> float:
    text = server.request("GET", "/metrics").text
    name = "resumable_upload_bytes_total "
    return next(float(line[len(name) :]) for line in text.splitlines() if line.startswith(name))


def finish(tus: Tus, url: str, data: bytes) -> bytes:
    """Go on as a client does, and return the file."""
    offset = tus.offset(url)
    answer = tus.patch(url, offset, data[offset:])
    assert answer.status_code == 204, answer.text
    assert int(answer.headers["Upload-Offset"]) == len(data)
    return tus.content(answer.headers["X-File-Id"])


def test_a_broken_patch_is_kept_to_its_last_byte(shared_server: Service, tus: Tus) -> None:
    data = noise(SIZE)
    url = tus.begin(len(data))
    with tus.begin_to_send(url, 0, len(data), data[: SIZE // 2]):
        pass

    wait_until(lambda: tus.offset(url) == SIZE // 2, 60, "all that came is kept")
    assert finish(tus, url, data) == data


def test_a_broken_patch_with_a_checksum_is_dropped(tus: Tus) -> None:
    data = noise(SIZE)
    url = tus.begin(len(data))
    wrong = {"Upload-Checksum": "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
    assert tus.patch(url, 0, data[:1000]).status_code == 204
    assert tus.patch(url, 1000, data[1000:], wrong).status_code == 460

    assert tus.offset(url) == 1000
    assert finish(tus, url, data) == data


def test_after_a_silent_loss_head_tells_all_that_came(shared_server: Service, tus: Tus) -> None:
    data, before = noise(SIZE), received(shared_server)
    url = tus.begin(len(data))
    with tus.begin_to_send(url, 0, len(data), data[: SIZE // 2]) as silent:
        arrived(shared_server, before)

        assert tus.offset(url) == SIZE // 2
        assert finish(tus, url, data) == data
        assert status_of(silent) == 423


def test_a_patch_takes_over_from_one_that_is_silent(shared_server: Service, tus: Tus) -> None:
    data, before = noise(SIZE), received(shared_server)
    url = tus.begin(len(data))
    with tus.begin_to_send(url, 0, len(data), b"") as silent:
        segments = shared_server.data_dir / "storage" / "uploads" / upload_id_of(url)
        wait_until(segments.exists, 60, "it holds the upload")

        answer = tus.patch(url, 0, data)

        assert (answer.status_code, status_of(silent)) == (204, 423)
    assert tus.content(answer.headers["X-File-Id"]) == data
    assert received(shared_server) > before


def test_two_that_send_at_once_never_mix(tus: Tus) -> None:
    for _ in range(5):
        contents = noise(SIZE), noise(SIZE)
        url = tus.begin(SIZE)
        with ThreadPoolExecutor(2) as clients:
            sent = [clients.submit(tus.patch, url, 0, data) for data in contents]
            answers = [each.result() for each in sent]

        statuses = [answer.status_code for answer in answers]
        assert set(statuses) <= {204, 409, 423}
        assert statuses.count(204) <= 1
        offset = tus.offset(url)
        if offset < SIZE:
            for data in contents:  # whichever it was
                if finish_if_its(tus, url, offset, data):
                    break
        file_id = tus.head(url).headers["X-File-Id"]
        assert tus.content(file_id)[: offset or SIZE] in [data[: offset or SIZE] for data in contents]


def finish_if_its(tus: Tus, url: str, offset: int, data: bytes) -> bool:
    return tus.patch(url, offset, data[offset:]).status_code == 204


def test_a_killed_worker_loses_nothing_that_was_told(shared_server: Service, tus: Tus) -> None:
    data, before = noise(SIZE), received(shared_server)
    url = tus.begin(len(data))
    assert tus.patch(url, 0, data[:100_000]).status_code == 204
    with tus.begin_to_send(url, 100_000, SIZE - 100_000, data[100_000 : SIZE // 2]) as client:
        arrived(shared_server, before)
        holder = wait_until(lambda: holder_of(shared_server, client), what="it is served")
        shared_server.kill_worker(holder)

    assert tus.offset(url) >= 100_000
    assert finish(tus, url, data) == data
    wait_until(lambda: len(shared_server.worker_pids()) == 2, 60, "both workers serve")


def test_a_stopped_worker_that_wakes_writes_nowhere(shared_server: Service, tus: Tus) -> None:
    data, other, before = noise(SIZE), noise(SIZE), received(shared_server)
    url = tus.begin(len(data))
    assert tus.patch(url, 0, data[:100_000]).status_code == 204
    with tus.begin_to_send(url, 100_000, SIZE - 100_000, other[100_000 : SIZE // 2]) as sleeper:
        arrived(shared_server, before)
        holder = wait_until(lambda: holder_of(shared_server, sleeper), what="it is served") or 0
        with stopped(holder):
            offset = tus.offset(url)
            assert offset == 100_000
            assert tus.patch(url, offset, data[offset : SIZE // 2]).status_code == 204
        sleeper.sendall(other[SIZE // 2 :])
        assert status_of(sleeper) in (409, 423)

    assert tus.offset(url) == SIZE // 2
    assert finish(tus, url, data) == data


def test_a_stopped_worker_that_wakes_disturbs_nobody_who_goes_on(shared_server: Service, tus: Tus) -> None:
    data, other, before = noise(SIZE), noise(SIZE), received(shared_server)
    url = tus.begin(len(data))
    with tus.begin_to_send(url, 0, SIZE, other[: SIZE // 2]) as sleeper:
        arrived(shared_server, before)
        holder = wait_until(lambda: holder_of(shared_server, sleeper), what="it is served") or 0
        with stopped(holder):
            assert tus.offset(url) == 0
            going_on = tus.begin_to_send(url, 0, SIZE, data[: SIZE // 2])
            wait_until(lambda: holder_of(shared_server, going_on) not in (None, holder), what="it is served")
        with going_on:
            sleeper.sendall(other[SIZE // 2 :])
            assert status_of(sleeper) in (409, 423)
            going_on.sendall(data[SIZE // 2 :])
            assert status_of(going_on) == 204

    assert tus.content(tus.head(url).headers["X-File-Id"]) == data


def test_many_breaks_leave_one_file_one_row_and_agreeing_records(
    shared_server: Service, tus: Tus, admin: Tus
) -> None:
    data, offset = noise(SIZE), 0
    url = tus.begin(len(data))
    for cut in (SIZE // 5, SIZE // 3, SIZE // 2, SIZE - 1):
        with tus.begin_to_send(url, offset, len(data) - offset, data[offset:cut]):
            pass
        wait_until(lambda cut=cut: tus.offset(url) == cut, 60, "what came is kept")  # type: ignore[misc]
        offset = cut

    assert finish(tus, url, data) == data
    file_id = tus.head(url).headers["X-File-Id"]
    rows = admin.ask("GET", f"/api/v1/audit/logs?action=file:upload&resource_id={file_id}").json()["logs"]
    assert [(row["status"], row["details"]["pauses"]) for row in rows] == [("success", 4)]
    assert "DIFFER" not in shared_server.cli("reconcile")

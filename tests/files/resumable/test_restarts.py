"""The master killed, nginx reloaded and restarted under resumable uploads: each ends as one file."""

import os
import random
import shutil
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import cycle, islice
from pathlib import Path
from select import select

import psutil
import pytest
import requests

from harness.load import Load
from harness.servers import MariaDB
from harness.servers.base import port_answers
from harness.waiting import wait_until
from tests.files.resumable.clients import CLIENTS, cut
from tests.files.resumable.place import Place, opened
from tests.files.resumable.tus import KB, Tus, noise, stopped, upload_id_of

pytestmark = pytest.mark.server
SIZE = 2000 * KB
_CLIENTS = 3
_PATIENCE_SECONDS = 120


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service whose processes may be killed, behind nginx that may be restarted."""
    folder = tmp_path_factory.mktemp("restarts")
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("prepared_sqlite"), folder / "filewallball.db")
        url = f"sqlite:///{folder / 'filewallball.db'}"
    else:
        mariadb: MariaDB = request.getfixturevalue("mariadb")
        url = mariadb.create_database(request.getfixturevalue("prepared_mariadb"))
    settings = {"DATABASE_URL": url, "GRACEFUL_TIMEOUT": "3s", "UPLOADS_PER_CLIENT": "1000"}
    with opened(folder, settings) as found:
        yield found


def everything_is_killed(place: Place) -> None:
    """As systemd does once the master is gone."""
    place.service.kill()
    place.service.start()


def the_master_is_killed(place: Place) -> None:
    """Its workers end what they have begun, while a new master and new workers start."""
    service = place.service
    workers = psutil.Process(service.master_pid).children(recursive=True)
    os.kill(service.master_pid, signal.SIGKILL)
    wait_until(lambda: not service.is_running() and not port_answers(service.port), 60, "nobody listens")
    service.start()
    assert not psutil.wait_procs(workers, 60)[1]


def the_service_is_reloaded(place: Place) -> None:
    before = place.service.worker_pids()
    place.service.reload()
    wait_until(lambda: not set(before) & set(place.service.worker_pids()), 60, "all workers are new")
    wait_until(place.service.worker_pids, 60, "one serves")


def a_worker_is_killed(place: Place) -> None:
    place.service.kill_worker()


def a_worker_sleeps(place: Place) -> None:
    """It holds an upload, with which another worker goes on meanwhile."""
    tus, data = place.tus, noise(SIZE)
    url = tus.begin(SIZE)
    with ExitStack() as requests:
        holder = wait_until(lambda: _begun(place, requests, url, data), 60, "a request holds the upload") or 0

        def goes_on() -> bool:
            """False where it was stopped in a commit, for then SQLite lets nobody else write."""
            with stopped(holder):
                told = tus.head(url)
                if told.status_code == 503:
                    return False
                offset = int(told.headers["Upload-Offset"])
                assert tus.patch(url, offset, data[offset:-1]).status_code == 204
                return True

        wait_until(goes_on, 60, "another worker goes on with it")
    assert tus.ask("DELETE", url).status_code == 204


def _begun(place: Place, requests: ExitStack, url: str, data: bytes) -> int | None:
    """The worker of a request that sends half of the upload; None if a busy service has refused it."""
    request = requests.enter_context(place.tus.begin_to_send(url, 0, SIZE, data[: SIZE // 2]))
    wait_until(lambda: _holder(place, url) or select([request], [], [], 0)[0], 60, "it is served or refused")
    return _holder(place, url)


def nginx_is_reloaded(place: Place) -> None:
    master = psutil.Process(place.front.pid)
    before = {worker.pid for worker in master.children()}
    place.front.reload()
    wait_until(lambda: {worker.pid for worker in master.children()} - before, 60, "a new worker serves")


def nginx_is_restarted(place: Place) -> None:
    place.front.stop()
    place.front.start()


FAULTS = (
    everything_is_killed,
    the_master_is_killed,
    the_service_is_reloaded,
    nginx_is_reloaded,
    nginx_is_restarted,
)
MORE_FAULTS = (a_worker_sleeps, a_worker_is_killed, *FAULTS)


@pytest.mark.parametrize("fault", FAULTS[1:])
def test_uploads_go_on_after(place: Place, fault: Callable[[Place], None]) -> None:
    tus, contents, before = place.tus, [noise(SIZE) for _ in range(_CLIENTS)], place.uploaded()
    urls = [tus.begin(SIZE) for _ in contents]
    with ExitStack() as stack:
        for url, data in zip(urls, contents, strict=True):
            stack.enter_context(tus.begin_to_send(url, 0, SIZE, data[: SIZE // 2]))
        for url in urls:
            wait_until(lambda url=url: place.written(url) >= SIZE // 4, 60, "half of it arrives")  # type: ignore[misc]

        fault(place)

        file_ids = [_finish(tus, url, data) for url, data in zip(urls, contents, strict=True)]
    for file_id, data in zip(file_ids, contents, strict=True):
        place.check(file_id, data)
    place.reconcile()
    assert place.uploaded() == before + _CLIENTS


def test_as_many_files_as_uploads_whatever_happens_when(
    place: Place, rounds: Callable[[int, int], int]
) -> None:
    """Also where a fault meets an upload as it begins, and as it ends."""
    chance, before = random.Random(7), place.uploaded()
    with Uploaders(place) as clients:
        for number in range(rounds(1, 60)):
            done = len(clients.finished)
            (chance.choice(FAULTS) if number else FAULTS[0])(place)
            wait_until(lambda: len(clients.finished) >= done + _CLIENTS, _PATIENCE_SECONDS, "uploads end")  # noqa: B023
    for file_id, data in clients.finished:
        assert place.tus.content(file_id) == data
    assert len({file_id for file_id, _ in clients.finished}) == len(clients.finished)
    assert place.uploaded() == before + len(clients.finished)
    place.reconcile()


def test_official_clients_come_through_faults_and_cuts(
    place: Place, tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    chance, before = random.Random(8), place.uploaded("success")
    with OfficialClients(place, tmp_path, cuts=rounds(3, 50)) as clients:
        for number in range(rounds(2, 50)):
            done = len(clients.finished)
            (chance.choice(MORE_FAULTS) if number > 1 else MORE_FAULTS[number])(place)
            wait_until(lambda: len(clients.finished) >= done + _CLIENTS, _PATIENCE_SECONDS, "uploads end")  # noqa: B023
    for file_id, data in clients.finished:
        place.check(file_id, data)
    assert place.uploaded("success") == before + len(clients.finished)
    place.reconcile()


class OfficialClients(Load):
    """Users of the official clients, each with one after the other, on ways that are cut."""

    def __init__(self, place: Place, folder: Path, cuts: int) -> None:
        super().__init__(clients=_CLIENTS)
        self.finished: list[tuple[str, bytes]] = []
        self._place, self._folder, self._cuts = place, folder, cuts

    def client(self, number: int) -> None:
        kinds = islice(cycle(CLIENTS), number * len(CLIENTS) // _CLIENTS, None)
        while self.goes_on:
            source = self._folder / str(number)
            source.write_bytes(noise(SIZE))
            with cut(self._place, self._cuts, SIZE) as on_the_way:
                file_id = next(kinds)(on_the_way, source)
            self.finished.append((file_id, source.read_bytes()))


class Uploaders(Load):
    """Clients that upload one file after the other, and try each request again until it is answered."""

    def __init__(self, place: Place) -> None:
        super().__init__(clients=_CLIENTS)
        self.finished: list[tuple[str, bytes]] = []
        self._tus = place.tus

    def client(self, number: int) -> None:
        while self.goes_on:
            data, key = noise(300 * KB), {"Idempotency-Key": str(uuid.uuid4())}
            created = _until(lambda: self._tus.create(len(data), key, filename="a.bin"), 201)  # noqa: B023
            url = created.headers["Location"]
            for end in (len(data) // 3, len(data) // 2):
                _until(lambda: self._add(url, data[:end]), 204)  # noqa: B023
            self.finished.append((_finish(self._tus, url, data), data))

    def _add(self, url: str, data: bytes) -> requests.Response | None:
        told = self._tus.head(url)
        if told.status_code != 200:
            return None
        offset = int(told.headers["Upload-Offset"])
        return self._tus.patch(url, offset, data[offset:])


def _holder(place: Place, url: str) -> int | None:
    """The worker that writes to an upload."""
    for pid in place.service.worker_pids():
        with suppress(psutil.Error):
            if any(upload_id_of(url) in file.path for file in psutil.Process(pid).open_files()):
                return pid
    return None


def _finish(tus: Tus, url: str, data: bytes) -> str:
    """Go on until the file is there, as a client that tries again does."""

    def attempt() -> str:
        try:
            told = tus.head(url)
            if told.status_code != 200:
                return ""
            offset = int(told.headers["Upload-Offset"])
            if offset == len(data):
                return told.headers["X-File-Id"]
            return tus.patch(url, offset, data[offset:]).headers.get("X-File-Id", "")
        except requests.RequestException:
            return ""

    return wait_until(attempt, _PATIENCE_SECONDS, "the upload is finished")


def _until(send: Callable[[], requests.Response | None], status: int) -> requests.Response:
    """The answer of this status, however often it takes."""

    def attempt() -> requests.Response | None:
        try:
            answer = send()
        except requests.RequestException:
            return None
        return answer if answer is not None and answer.status_code == status else None

    found = wait_until(attempt, _PATIENCE_SECONDS, f"{status}")
    assert found is not None
    return found

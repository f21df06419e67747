"""Uploads repeated with an Idempotency-Key, through whatever happens to the service: as many files as keys."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
import requests

from harness.load import Load
from harness.servers import MariaDB, Relay
from harness.waiting import wait_until
from tests.integration.repeated import Place, start

pytestmark = pytest.mark.server
COMMIT = b"\x03COMMIT"


@pytest.fixture(scope="module")
def on_mariadb(
    make_mariadb: Callable[[], MariaDB], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A place on a MariaDB of its own, behind a relay."""
    database = make_mariadb()
    relay = Relay(database.port).start()
    relay.concerns, relay.until = b"INSERT INTO files", COMMIT
    url = database.create_database()
    service, front = start(
        tmp_path_factory.mktemp("mariadb"), url.replace(f":{database.port}/", f":{relay.port}/")
    )
    place = Place(service, front, url, database, relay)
    yield place
    place.reconcile()
    for server in (front, service, database):
        server.kill()
    relay.stop()


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place on SQLite."""
    folder = tmp_path_factory.mktemp("sqlite")
    url = f"sqlite:///{folder}/filewallball.db"
    service, front = start(folder, url)
    place = Place(service, front, url)
    yield place
    place.reconcile()
    for server in (front, service):
        server.kill()


@pytest.fixture(params=["on_sqlite", "on_mariadb"])
def place(request: pytest.FixtureRequest) -> Place:
    """A place on either database."""
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def relay(on_mariadb: Place) -> Iterator[Relay]:
    """The relay before MariaDB, which cuts nothing any more afterwards."""
    assert on_mariadb.relay is not None
    yield on_mariadb.relay
    on_mariadb.relay.cut_before = on_mariadb.relay.cut_after = b""
    on_mariadb.relay.before_cut = lambda: None


class Repeating(Load):
    """Clients that upload under keys of their own and repeat each twice, some through nginx."""

    def __init__(self, place: Place, repetitions: int, clients: int = 4) -> None:
        super().__init__(clients)
        self.answers: dict[str, list[bytes]] = {}
        self.repeated = 0
        self._each = -(-repetitions // clients // 2)
        self._place = place

    def client(self, number: int) -> None:
        for _ in range(self._each):
            key = str(uuid.uuid4())
            answers = self.answers.setdefault(key, [])
            for turn in range(3):
                answer = self._place.repeat(key, through_nginx=(number + turn) % 2 == 0)
                assert answer.status_code == 201, answer.text
                answers.append(answer.content)
                self.repeated += turn > 0


def test_repetitions_through_kills_leave_as_many_files_as_keys(
    place: Place, rounds: Callable[[int, int], int]
) -> None:
    repetitions, kills = rounds(300, 10_000), rounds(4, 120)
    with Repeating(place, repetitions) as load:
        for killed in range(1, kills + 1):
            due = killed * repetitions // (kills + 1)
            wait_until(lambda due=due: load.repeated >= due, seconds=300, what="the load goes on")  # type: ignore[misc]
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                place.service.kill_worker()
        wait_until(lambda: not load.is_running(), seconds=3000, what="all is uploaded")

    assert load.repeated >= repetitions
    assert [answers for answers in load.answers.values() if len(answers) != 3 or len(set(answers)) != 1] == []
    place.check(*load.answers)


def test_many_at_once_with_one_key_leave_one_file(place: Place) -> None:
    keys = [str(uuid.uuid4()) for _ in range(3)]
    answers: list[tuple[str, int, bytes]] = []
    for key in keys:
        together = threading.Barrier(20)

        def ask(number: int, key: str = key, together: threading.Barrier = together) -> None:
            together.wait()
            answer = place.upload(key, through_nginx=number % 2 == 0)
            answers.append((key, answer.status_code, answer.content))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert {status for _, status, _ in answers} <= {201, 409}
    for key in keys:
        bodies = {body for asked, status, body in answers if asked == key and status == 201}
        assert bodies == {place.repeat(key).content}
    place.check(*keys)


def test_the_key_of_a_worker_that_was_killed_is_free_within_a_minute(place: Place) -> None:
    key = str(uuid.uuid4())
    client = place.begin(key)

    with client:
        place.kill_everybody()
        answer = wait_until(lambda: _unless_held(place, key), seconds=60, what="the key is free")

    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers
    place.check(key)


def test_a_client_that_goes_away_frees_the_key(place: Place) -> None:
    key = str(uuid.uuid4())
    place.begin(key).close()

    assert place.repeat(key).status_code == 201
    place.check(key)


@pytest.mark.parametrize("moment", ["cut_before", "cut_after"])
def test_workers_killed_around_commit_leave_one_file(on_mariadb: Place, relay: Relay, moment: str) -> None:
    key = str(uuid.uuid4())
    cuts = relay.cuts
    relay.before_cut = on_mariadb.kill_everybody
    setattr(relay, moment, COMMIT)

    with pytest.raises(requests.RequestException):
        on_mariadb.upload(key)
    assert relay.cuts > cuts
    assert on_mariadb.files_of({key}) == ({key: 1} if moment == "cut_after" else {})
    relay.cut_before = relay.cut_after = b""
    answer = on_mariadb.repeat(key, through_nginx=True)

    assert answer.headers.get("Idempotency-Replayed") == ("true" if moment == "cut_after" else None)
    on_mariadb.check(key)


@pytest.mark.parametrize("moment", ["cut_before", "cut_after"])
def test_an_unknown_commit_is_resolved_by_repeating(on_mariadb: Place, relay: Relay, moment: str) -> None:
    key = str(uuid.uuid4())
    setattr(relay, moment, COMMIT)

    unknown = on_mariadb.upload(key)
    relay.cut_before = relay.cut_after = b""

    assert (unknown.status_code, unknown.json()["code"]) == (503, "commit_unknown")
    assert "same Idempotency-Key" in unknown.json()["detail"]
    assert int(unknown.headers["Retry-After"]) > 0
    answer = on_mariadb.repeat(key)
    assert answer.headers.get("Idempotency-Replayed") == ("true" if moment == "cut_after" else None)
    on_mariadb.check(key)


def test_a_database_that_is_away_in_the_middle_leaves_one_file(on_mariadb: Place) -> None:
    key, database = str(uuid.uuid4()), on_mariadb.database
    assert database is not None
    with on_mariadb.begin(key) as client:
        database.kill()
        client.sendall(key[len(key) // 2 :].encode())
        client.settimeout(60)
        assert client.recv(1000).startswith(b"HTTP/1.1 503 ")
    assert on_mariadb.upload(key).status_code == 503
    database.start()

    assert on_mariadb.repeat(key).status_code == 201
    on_mariadb.check(key)


def _unless_held(place: Place, key: str) -> Any:
    with suppress(requests.RequestException):
        answer = place.upload(key)
        return None if answer.status_code in (409, 502, 503) else answer
    return None

"""The store and the database of the release before this one: upgraded by a restart, and in `make soak` under load as
well, with the way back."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from filewallball import create_app
from filewallball.settings.loading import load_settings
from harness import ROOT
from harness.load import Load
from harness.parts import Parts
from harness.servers import Front, MariaDB
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN
from tests.fixtures.earlier_layout import lay_out_as_before
from tests.integration.releases import Installed, bring_files_back, previous_release

pytestmark = pytest.mark.server
_BEFORE = "0007"
"""The schema of that release."""
_SETTINGS = {
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "MIN_FREE_SPACE": "0",
    "LOG_LEVEL": "WARNING",
}


class Clients(Load):
    """Clients that upload and fetch, directly or over nginx; `kept` is what was acknowledged."""

    def __init__(self, url: str) -> None:
        super().__init__(clients=2)
        self.kept: dict[str, bytes] = {}
        self.ledger: Counter[str] = Counter()
        self._url = url

    def client(self, number: int) -> None:
        while self.goes_on:
            content = f"{number}: {self.ledger.total()}".encode()
            put = _ask("PUT", f"{self._url}/upload/a.txt", content)
            self.ledger[f"PUT {put.status_code}"] += 1
            if put.status_code == 201:
                file_id = put.json()["file_id"]
                self.kept[file_id] = content
                self.ledger[f"GET {_ask('GET', f'{self._url}/download/{file_id}').status_code}"] += 1


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    return previous_release(tmp_path_factory.mktemp("previous"))


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest) -> MariaDB | None:
    """The server, if it is not SQLite."""
    found: MariaDB = request.getfixturevalue("mariadb")
    return found if request.param == "mariadb" else None


@pytest.fixture
def service(tmp_path: Path, database: MariaDB | None) -> Iterator[Installed]:
    settings = {**_SETTINGS, **({"DATABASE_URL": database.create_database()} if database else {})}
    made = Installed(tmp_path / "service", settings)
    yield made
    made.kill()


def test_an_upgrade_and_the_way_back_lose_nothing(
    service: Installed,
    previous: Path | None,
    database: MariaDB | None,
    front: Front,
    rounds: Callable[[int, int], int],
) -> None:
    kept: dict[str, bytes] = {}
    for _ in range(rounds(0, 3)):
        _start(service, previous, kept)
        _upgrade_under_load(service, kept)
        _go_back(service, previous, database)
    _start(service, previous, kept)
    service.stop()
    _serve_with_every_role(service, front, kept)


def _start(service: Installed, previous: Path | None, kept: dict[str, bytes]) -> None:
    """The release before this one. Without its code it is this one, over a store that the other has laid out."""
    service.install(previous or ROOT)
    service.start()
    _assert_serves(service.url, kept)
    with Clients(service.url) as clients:
        _go_on(clients)
    kept |= clients.kept
    if previous is None:
        service.stop()
        _lay_out_as_before(service)
        service.start()


def _upgrade_under_load(service: Installed, kept: dict[str, bytes]) -> None:
    with Clients(service.url) as clients:
        _go_on(clients)
        service.install(ROOT)
        service.succeed()
        _go_on(clients)
    kept |= clients.kept
    assert set(clients.ledger) == {"PUT 201", "GET 200"}, clients.ledger
    _assert_serves(service.url, kept)
    _assert_consistent(service)
    service.stop_successor()


def _go_back(service: Installed, previous: Path | None, database: MariaDB | None) -> None:
    if previous is not None:
        service.command_line("db", "downgrade", _BEFORE)
        bring_files_back(service, database)


def _serve_with_every_role(service: Installed, front: Front, kept: dict[str, bytes]) -> None:
    """A restart of this release with sync workers, behind its nginx."""
    service.install(ROOT)
    service.settings |= {"SYNC_WORKERS": "1", "X_ACCEL": "true"}
    service.start()
    front.ship(service.environment())
    front.start()
    with Clients(front.url) as clients:
        _go_on(clients)
    assert set(clients.ledger) == {"PUT 201", "GET 200"}, clients.ledger
    _assert_serves(front.url, kept | clients.kept)
    _assert_consistent(service)
    service.stop()


def _assert_serves(url: str, kept: dict[str, bytes]) -> None:
    for file_id, content in kept.items():
        answer = _ask("GET", f"{url}/download/{file_id}")
        assert (answer.status_code, answer.content) == (200, content)


def _assert_consistent(service: Installed) -> None:
    service.command_line("reconcile")
    service.command_line("audit", "verify")


def _go_on(clients: Clients) -> None:
    before = clients.ledger.total()
    wait_until(lambda: clients.ledger.total() > before + 10, 120, "requests go on")


def _ask(method: str, url: str, data: bytes | None = None) -> requests.Response:
    """On a connection of its own: one that was kept may be closed at any moment."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, data=data, timeout=60)


def _lay_out_as_before(service: Installed) -> None:
    parts = Parts(create_app(load_settings(service.environment())))
    lay_out_as_before(parts)
    parts.journal.close()
    parts.slots.release()
    parts.database.close()

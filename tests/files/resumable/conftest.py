"""One service on each database, for all tests that leave it running."""

import shutil
import uuid
from collections.abc import Callable, Iterator

import pytest

from harness.servers import MariaDB, Service
from tests.conftest import ADMIN_TOKEN, SEAL_KEY
from tests.files.resumable.tus import Tus

SETTINGS = {
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "AUDIT_SEAL_KEY": SEAL_KEY,
    "MIN_FREE_SPACE": "0",
    "MAX_UPLOAD_SIZE": "20000000",
    "UPLOADS_PER_CLIENT": "10000",
    "CORS_ORIGINS": "https://app.example",
    "SUSPICIOUS_UPLOADS": "reject",
    "LOG_LEVEL": "WARNING",
}


@pytest.fixture(scope="session", params=["sqlite", pytest.param("mariadb", marks=pytest.mark.server)])
def shared_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A running service; its two workers may be killed and stopped, if they serve again afterwards."""
    folder = tmp_path_factory.mktemp("resumable")
    if request.param == "sqlite":
        path = folder / "filewallball.db"
        shutil.copyfile(request.getfixturevalue("prepared_sqlite"), path)
        url = f"sqlite:///{path}"
    else:
        mariadb: MariaDB = request.getfixturevalue("mariadb")
        url = mariadb.create_database(request.getfixturevalue("prepared_mariadb"))
    server = Service(folder / "service", {**SETTINGS, "DATABASE_URL": url}).start()
    yield server
    server.kill()


@pytest.fixture
def tus(shared_server: Service) -> Tus:
    """A client without a token."""
    return Tus(shared_server.url)


@pytest.fixture
def new_user(shared_server: Service) -> Callable[[], tuple[Tus, int, int]]:
    """Makes a user: a client with its token, and the ids of user and token."""

    def make() -> tuple[Tus, int, int]:
        admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        user = shared_server.request(
            "POST", "/api/v1/access/users", json={"username": f"u-{uuid.uuid4()}"}, headers=admin
        ).json()
        token = shared_server.request(
            "POST", "/api/v1/access/tokens", json={"user_id": user["id"]}, headers=admin
        ).json()
        return Tus(shared_server.url, token["token"]), user["id"], token["details"]["id"]

    return make


@pytest.fixture
def admin(shared_server: Service) -> Tus:
    """A client with the administrator's token."""
    return Tus(shared_server.url, ADMIN_TOKEN)

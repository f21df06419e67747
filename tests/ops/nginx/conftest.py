"""One service behind the shipped nginx, for all tests of this folder."""

from collections.abc import Iterator

import pytest

from harness.servers import Front, Service

SETTINGS = {
    "TRUSTED_PROXIES": "127.0.0.0/8",
    # The tests come from loopback; those who call themselves monitors come from elsewhere on it.
    "MONITORING_NETWORKS": "127.0.9.0/24",
    "X_ACCEL": "true",
    "SYNC_WORKERS": "2",
    "MIN_FREE_SPACE": "0",
    "LOG_LEVEL": "WARNING",
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Service]:
    """The service; its folder has a name that nginx must quote."""
    soak = request.config.getoption("--soak")
    folder = tmp_path_factory.mktemp("behind") / "a %41?#b {c}"
    server = Service(folder, {**SETTINGS, "MAX_UPLOAD_SIZE": "2GB" if soak else "100MB"}).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def front(behind: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The shipped nginx in front of it."""
    server = Front(tmp_path_factory.mktemp("front"))
    server.ship(behind.environment())
    server.start()
    yield server
    server.kill()

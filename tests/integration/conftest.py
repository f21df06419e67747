"""Servers that the tests of whole services do harm to."""

from collections.abc import Callable, Iterator

import pytest

from harness.servers import MariaDB


@pytest.fixture
def database(make_mariadb: Callable[[], MariaDB]) -> Iterator[MariaDB]:
    """A MariaDB that the test may stop."""
    server = make_mariadb()
    yield server
    server.kill()

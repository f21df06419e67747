"""Two collectors: one that tests share, and one to be killed or frozen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.servers import Collector


@pytest.fixture(scope="package")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector that takes everything; leave it running."""
    server = Collector(tmp_path_factory.mktemp("collector"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def failing_collector(tmp_path: Path) -> Iterator[Collector]:
    """A collector of the test's own, running, free to be killed or frozen."""
    server = Collector(tmp_path / "collector")
    server.start()
    yield server
    server.kill()

"""The official clients behind the shipped nginx, on connections that are cut: one file, one row, the right bytes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.files.resumable.clients import CLIENTS, NODE_OPTIONS, Client, cut
from tests.files.resumable.place import Place, opened
from tests.files.resumable.tus import noise

pytestmark = pytest.mark.server
SIZE = 6 * 1024 * 1024


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The way of all clients of this module, who all come from one address."""
    with opened(tmp_path_factory.mktemp("clients"), {"UPLOADS_PER_CLIENT": "1000"}) as found:
        yield found


@pytest.mark.parametrize(
    "client", CLIENTS, ids=[*("-".join(["tus-js-client", *options]) for options in NODE_OPTIONS), "tuspy"]
)
def test_an_official_client_comes_through_cuts(
    place: Place, tmp_path: Path, client: Client, rounds: Callable[[int, int], int]
) -> None:
    before, times = place.uploaded("success"), rounds(3, 50)

    def upload(number: int) -> tuple[str, bytes]:
        source = tmp_path / str(number)
        source.write_bytes(noise(SIZE))
        with cut(place, times, SIZE) as on_the_way:
            return client(on_the_way, source), source.read_bytes()

    with ThreadPoolExecutor(4) as users:
        uploaded = list(users.map(upload, range(rounds(1, 30))))

    for file_id, content in uploaded:
        place.check(file_id, content)
    assert place.uploaded("success") == before + len(uploaded)
    place.reconcile()

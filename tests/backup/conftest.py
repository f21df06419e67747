"""Places to back up and to restore into."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.servers import MariaDB
from tests.backup.place import Place


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """Makes empty places: `make_place(REDIS_URL=…)`."""
    made: list[Place] = []

    def make(**settings: str) -> Place:
        made.append(Place(tmp_path / f"place-{len(made)}", **settings))
        return made[-1]

    yield make
    for place in made:
        place.close()


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A prepared place on SQLite."""
    return make_place().prepare()


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.server)])
def either(request: pytest.FixtureRequest, make_place: Callable[..., Place]) -> Place:
    """A prepared place on either kind of database."""
    if request.param == "sqlite":
        return make_place().prepare()
    mariadb: MariaDB = request.getfixturevalue("mariadb")
    return make_place(DATABASE_URL=mariadb.create_database()).prepare()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder for backups."""
    made = tmp_path / "backups"
    made.mkdir()
    return made

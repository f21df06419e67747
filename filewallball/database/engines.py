"""The engines of the service, and which dialect they speak."""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Engine, create_engine, make_url

from filewallball.database.dialect import Dialect
from filewallball.settings.service import Settings


@dataclass(frozen=True, slots=True)
class Engines:
    """The engine that writes, and the one that reads in autocommit."""

    writer: Engine
    reader: Engine


@cache
def dialect_of(name: str) -> Dialect:
    """The dialect of an engine or connection, by the name of SQLAlchemy's. Only the one in use is imported."""
    if name == "sqlite":
        from filewallball.database.sqlite import SQLite

        return SQLite()
    from filewallball.database.mariadb import MariaDB

    return MariaDB()


def open_engines(settings: Settings) -> Engines:
    """The engines under these settings; they connect when they are first used."""
    given = make_url(settings.database_url)
    dialect = dialect_of(given.get_backend_name())
    url = dialect.complete(given)
    # Errors are logged, the values of a statement are nobody's business.
    writer, reader = (
        create_engine(url, hide_parameters=True, **options) for options in dialect.engine_options(settings)
    )
    return Engines(writer, reader)

"""The engines of the service: which dialect they speak, and their configuration."""

from typing import Any

from sqlalchemy import make_url

from filewallball.database.dialect import Dialect
from filewallball.database.mariadb import MariaDB
from filewallball.database.sqlite import SQLite
from filewallball.settings.service import Settings

_DIALECTS: dict[str, Dialect] = {"sqlite": SQLite(), "mysql": MariaDB(), "mariadb": MariaDB()}


def dialect_of(name: str) -> Dialect:
    """The dialect of an engine or connection, by the name of SQLAlchemy's."""
    return _DIALECTS[name]


def configure(settings: Settings) -> dict[str, Any]:
    """Flask-SQLAlchemy's configuration: the default engine writes, the bind `read` reads."""
    dialect = dialect_of(make_url(settings.database_url).get_backend_name())
    # Errors are logged, the values of a statement are nobody's business.
    writing, reading = ({**each, "hide_parameters": True} for each in dialect.engine_options(settings))
    return {
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": writing,
        "SQLALCHEMY_BINDS": {"read": {"url": settings.database_url, **reading}},
    }

"""The database schema, brought up and down by Alembic: imported only where there is work for it, being large."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from filewallball.database.connections import Database
from filewallball.database.engines import Engines, dialect_of
from filewallball.installation import SHIPPED, __version__
from filewallball.registry import Holder, part, provide
from filewallball.settings.errors import ConfigError

_MIGRATIONS = SHIPPED / "migrations"
REVISION = text("SELECT version_num FROM alembic_version")


def upgrade(revision: str = "head", holder: Holder | None = None) -> None:
    """Bring the schema of a service's database, the current app's by default, up to `revision`.

    Raises ConfigError where no migrations of this release lead there, as from that of a later release.
    """
    import flask_migrate

    with _migrating(part(Engines, holder)):
        _unguarded(flask_migrate.upgrade)(directory=str(_MIGRATIONS), revision=revision)


def downgrade(revision: str, holder: Holder | None = None) -> None:
    """Bring the schema of a service's database, the current app's by default, down to `revision`.

    Raises ConfigError where no migrations of this release lead there.
    """
    import flask_migrate

    with _migrating(part(Engines, holder)):
        _unguarded(flask_migrate.downgrade)(directory=str(_MIGRATIONS), revision=revision)


def is_newest(database: Database) -> bool:
    """True if the database has exactly this code's schema; False too where it does not answer."""
    try:
        found = database.scalars(REVISION)
    except (OperationalError, ProgrammingError):  # no such table yet, or no such server
        return False
    return list(found) == [newest()]


def has_schema(database: Database) -> bool:
    """True if there are tables already, of whatever release. Raises OperationalError where nothing answers."""
    return database.query(lambda connection: inspect(connection).has_table("alembic_version"))


def newest() -> str:
    """The revision that the newest migration leads to: files are named by it, in order."""
    return max(_revisions())


def is_known(revision: str) -> bool:
    """True if a migration of this code leads to the revision; one of a newer release is not known."""
    return revision in _revisions()


def _revisions() -> set[str]:
    return {path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")}


@contextmanager
def _migrating(engines: Engines) -> Iterator[None]:
    """A small application around these engines: Flask-Migrate looks for its extension in one."""
    from alembic.util import CommandError
    from flask import Flask
    from flask_migrate import Migrate

    from filewallball.database.tables import bind, db

    app = Flask("filewallball")
    provide(app, engines)
    bind(app)
    Migrate(app, db, render_as_batch=True)
    with app.app_context(), dialect_of(engines.reader.dialect.name).migrating(engines.reader):
        try:
            yield
        except CommandError as error:
            known = f"filewallball {__version__} knows revisions up to {newest()}"
            raise ConfigError([f"the database schema stays as it is, for {known}: {error}"]) from error


def _unguarded(command: Callable[..., None]) -> Callable[..., None]:
    """The function without the guard that Flask-Migrate puts around it, which logs its errors and ends the process."""
    found: Callable[..., None] = getattr(command, "__wrapped__")  # noqa: B009 - no checker knows of it
    return found

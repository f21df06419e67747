"""The database schema, brought up and down by Alembic: imported only where there is work for it, being large."""

from flask import current_app
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from filewallball.database.connections import Database
from filewallball.database.tables import db
from filewallball.shipped import SHIPPED

_MIGRATIONS = SHIPPED / "migrations"
REVISION = text("SELECT version_num FROM alembic_version")


def upgrade(revision: str = "head") -> None:
    """Bring the schema of the current app's database up to `revision`."""
    import flask_migrate

    flask_migrate.upgrade(directory=_directory(), revision=revision)


def downgrade(revision: str) -> None:
    """Bring the schema of the current app's database down to `revision`."""
    import flask_migrate

    flask_migrate.downgrade(directory=_directory(), revision=revision)


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


def _directory() -> str:
    if "migrate" not in current_app.extensions:
        from flask_migrate import Migrate

        Migrate(current_app, db, render_as_batch=True)
    return str(_MIGRATIONS)

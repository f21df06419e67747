"""The Flask-SQLAlchemy extension, unbound: it has the service's metadata, and in an application its engines.

It imports Flask and the ORM: tables are made with `database.metadata`, so that a command can do without.
"""

from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine

from filewallball.database.engines import Engines
from filewallball.database.metadata import metadata
from filewallball.registry import part


class _Extension(SQLAlchemy):
    """Flask-SQLAlchemy, but that it takes the engines that the service has opened."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        engines = part(Engines, app)
        return engines.writer if bind_key is None else engines.reader


db = _Extension(metadata=metadata)


def bind(app: Flask) -> None:
    """Bind the extension to an application that has `Engines`: the default engine writes, the bind `read` reads."""
    engines = part(Engines, app)
    app.config["SQLALCHEMY_DATABASE_URI"] = engines.writer.url
    app.config["SQLALCHEMY_BINDS"] = {"read": engines.reader.url}
    db.init_app(app)
    app.teardown_appcontext_funcs.clear()  # it would end a scoped session, which nothing here opens

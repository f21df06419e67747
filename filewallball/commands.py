"""The base of every command: the app under the environment's settings, and failures told in one line."""

import json
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import wraps
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from filewallball.clock import rfc3339
from filewallball.database.connections import Database
from filewallball.errors import ApiError
from filewallball.observability.metric_store.slots import Slots
from filewallball.recording.journal import Journal
from filewallball.recording.ownership import other_owner
from filewallball.registry import part
from filewallball.settings.loading import ConfigError, load_settings
from filewallball.settings.service import Settings

_NO_SUCH_TABLE = 1146  # MariaDB's number for it


def with_app(
    command: Callable[..., None],
    adjust: Callable[[Settings], Settings] = lambda settings: settings,
    *,
    is_first: bool = False,
) -> Callable[..., None]:
    """Give the command the app, built by the function that the command line has as its `obj`.

    A bad setting or a missing database ends in one clear line.

    Only a command that may come first in the life of a DATA_DIR makes one that is not there. Whoever would leave files
    there that the service cannot read is sent away: one of root's in the journal stops all shipping.
    """

    @wraps(command)
    @plain_failures
    def run(*args: Any, **kwargs: Any) -> None:
        settings = adjust(load_settings())
        if not is_first and not settings.data_dir.is_dir():
            raise ConfigError(
                [f"DATA_DIR: there is no folder {settings.data_dir}; `filewallball prepare` makes it"]
            )
        if owner := other_owner(settings.journal_dir):
            advice = f"run this as that user, as with `runuser -u {owner} -- filewallball …`"
            raise ConfigError([f"DATA_DIR: {settings.journal_dir} belongs to {owner}; {advice}"])
        try:
            app = click.get_current_context().find_root().obj(settings)
        except OSError as error:
            raise ConfigError(
                [f"DATA_DIR: {error.filename or settings.data_dir}: {error.strerror}"]
            ) from error
        with app.app_context(), ExitStack() as ending:
            ending.callback(_close, app)
            command(app, *args, **kwargs)

    return run


def plain_failures(command: Callable[..., None]) -> Callable[..., None]:
    """A bad setting, a missing database or a refusal ends the command in clear lines without a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except ConfigError as error:
            for message in error.messages:
                click.echo(f"filewallball: {message}", err=True)
            sys.exit(2)
        except (OperationalError, ProgrammingError) as error:
            empty = "has no tables yet: `filewallball prepare` makes them"
            said = empty if _is_empty(error) else f"does not answer: {error.orig}"
            click.echo(f"filewallball: the database {said}", err=True)
            sys.exit(1)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"filewallball: {where}{error.strerror or error}", err=True)
            sys.exit(1)
        except ApiError as error:
            click.echo(f"filewallball: {error}", err=True)
            for name, messages in error.errors.items():
                click.echo(f"filewallball: {name}: {messages}", err=True)
            sys.exit(1)

    return run


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def table(rows: Iterable[Any], columns: Iterable[str], *, as_json: bool = False) -> None:
    """Print rows under their column names, separated by tabs; `*_us` as a time, nothing as `-`.

    As JSON it is a list of objects, with numbers as such and nothing as null.
    """
    names = list(columns)
    if as_json:
        objects = [
            {name.removesuffix("_us"): _value(name, getattr(row, name)) for name in names} for row in rows
        ]
        click.echo(json.dumps(objects, indent=2, ensure_ascii=False))
        return
    click.echo("\t".join(name.removesuffix("_us") for name in names))
    for row in rows:
        click.echo("\t".join(_cell(name, getattr(row, name)) for name in names))


def _cell(name: str, value: Any) -> str:
    shown = _value(name, value)
    return "-" if shown is None or shown == "" else str(shown)


def _value(name: str, value: Any) -> Any:
    return rfc3339(value) if name.endswith("_us") and value is not None else value


def _is_empty(error: DBAPIError) -> bool:
    """True if the database answers but was never prepared."""
    return "no such table" in str(error.orig) or error.orig.args[:1] == (_NO_SUCH_TABLE,)  # type: ignore[union-attr]


def _close(app: Flask) -> None:
    part(Journal, app).close()
    part(Slots, app).release()
    part(Database, app).close()  # SQLite leaves no write-ahead log behind

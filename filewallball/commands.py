"""What every command stands on: the app under the environment's settings, and failures told in one line."""

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import wraps
from typing import Any

import click
from sqlalchemy.exc import OperationalError

from filewallball import create_app
from filewallball.clock import rfc3339
from filewallball.config import ConfigError, Settings, load_settings
from filewallball.errors import ApiError
from filewallball.extensions import db


def with_app(
    command: Callable[..., None], adjust: Callable[[Settings], Settings] = lambda settings: settings
) -> Callable[..., None]:
    """Give the command the app; a bad setting or a missing database ends in one clear line."""

    @wraps(command)
    @plain_failures
    def run(*args: Any, **kwargs: Any) -> None:
        app = create_app(adjust(load_settings()))
        with app.app_context(), ExitStack() as ending:
            for engine in db.engines.values():
                ending.callback(engine.dispose)  # SQLite leaves no write-ahead log behind
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
        except OperationalError as error:
            click.echo(f"filewallball: the database does not answer: {error.orig}", err=True)
            sys.exit(1)
        except ApiError as error:
            click.echo(f"filewallball: {error}", err=True)
            for name, messages in error.errors.items():
                click.echo(f"filewallball: {name}: {messages}", err=True)
            sys.exit(1)

    return run


def table(rows: Iterable[Any], columns: Iterable[str]) -> None:
    """Print rows under their column names, separated by tabs; `*_us` as a time, nothing as `-`."""
    names = list(columns)
    click.echo("\t".join(name.removesuffix("_us") for name in names))
    for row in rows:
        click.echo("\t".join(_cell(name, getattr(row, name)) for name in names))


def _cell(name: str, value: Any) -> str:
    if value is None or value == "":
        return "-"
    return rfc3339(value) if name.endswith("_us") else str(value)

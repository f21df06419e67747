"""The base of every command: the service under the environment's settings, and failures told in one line.

A call takes as long as its imports, so what only some commands need is imported where it is used.
"""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from filewallball.errors import ApiError, ValidationFailed
from filewallball.imports import collector_paused
from filewallball.settings.errors import ConfigError

if TYPE_CHECKING:
    from flask import Flask

    from filewallball.registry import Registry
    from filewallball.settings.service import Settings

Made = TypeVar("Made")
_UNKNOWN_NAMES = ("no such table", "no such column", "has no column named")
_UNKNOWN_NUMBERS = ((1146,), (1054,))  # MariaDB's for the same


@dataclass(frozen=True, slots=True)
class Makers:
    """How a command gets the service: its parts, or the application too. The command line has it as its `obj`."""

    service: "Callable[[Settings], Registry]"
    app: "Callable[[Settings], Flask]"


def _unchanged(settings: "Settings") -> "Settings":
    return settings


def with_service(
    command: Callable[..., None],
    adjust: "Callable[[Settings], Settings]" = _unchanged,
    *,
    is_first: bool = False,
) -> Callable[..., None]:
    """Give the command the service: the registry of its parts, which are made when the command asks for them.

    A bad setting or a missing database ends in one clear line.

    Only a command that may come first in the life of a DATA_DIR makes one that is not there. Whoever would leave files
    there that the service cannot read is sent away: one of root's in the journal stops all shipping.
    """

    @wraps(command)
    @plain_failures
    def run(*args: Any, **kwargs: Any) -> None:
        with collector_paused():
            service = _made(_makers().service, _settings(adjust, is_first=is_first))
        with closing(service):
            command(service, *args, **kwargs)

    return run


def with_app(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command the whole application, as in `with_service`."""

    @wraps(command)
    @plain_failures
    def run(*args: Any, **kwargs: Any) -> None:
        from filewallball.registry import registry_of

        app = _made(_makers().app, _settings(_unchanged, is_first=False))
        with app.app_context(), closing(registry_of(app)):
            command(app, *args, **kwargs)

    return run


def plain_failures(command: Callable[..., Any]) -> Callable[..., Any]:
    """A bad setting, a missing database or a refusal ends the command in clear lines without a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            _complain(*error.messages)
            sys.exit(2)
        except BrokenPipeError:
            raise  # whoever read has enough: click ends the command, and says nothing
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _complain(f"{where}{error.strerror or error}")
            sys.exit(1)
        except ApiError as error:
            _complain(str(error), *(f"{name}: {_joined(faults)}" for name, faults in error.errors.items()))
            sys.exit(2 if isinstance(error, ValidationFailed) else 1)
        except Exception as error:
            said = _said_by_database(error)
            if said is None:
                raise
            _complain(f"the database {said}")
            sys.exit(1)

    return run


def _joined(faults: Any) -> str:
    return " ".join(map(str, faults)) if isinstance(faults, list) else str(faults)


def _complain(*messages: str) -> None:
    for message in messages:
        click.echo(f"filewallball: {message}", err=True)


def _makers() -> Makers:
    found: Makers = click.get_current_context().find_root().obj
    return found


def _settings(adjust: "Callable[[Settings], Settings]", *, is_first: bool) -> "Settings":
    from filewallball.recording.ownership import other_owner
    from filewallball.settings.loading import load_settings

    settings = adjust(load_settings())
    if not is_first and not settings.data_dir.is_dir():
        advice = (
            "run this in the service's folder or set DATA_DIR; `filewallball prepare` makes a new service"
        )
        raise ConfigError([f"DATA_DIR: there is no folder {settings.data_dir}; {advice}"])
    if owner := other_owner(settings.journal_dir):
        advice = f"run this as that user, as with `runuser -u {owner} -- filewallball …`"
        raise ConfigError([f"DATA_DIR: {settings.journal_dir} belongs to {owner}; {advice}"])
    return settings


def _made(make: "Callable[[Settings], Made]", settings: "Settings") -> Made:
    try:
        return make(settings)
    except OSError as error:
        raise ConfigError([f"DATA_DIR: {error.filename or settings.data_dir}: {error.strerror}"]) from error


def _said_by_database(error: Exception) -> str | None:
    """The answer of a database that is of another release, cannot be read or does not answer; None for other errors."""
    from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

    if type(error) is DatabaseError:
        return f"cannot be read: {error.orig}"
    if not isinstance(error, OperationalError | ProgrammingError):
        return None
    said = str(error.orig)
    is_other = any(sign in said for sign in _UNKNOWN_NAMES) or error.orig.args[:1] in _UNKNOWN_NUMBERS  # type: ignore[union-attr]
    if is_other:
        return "has not all tables of this release: `filewallball prepare` makes them"
    return f"does not answer: {said}"

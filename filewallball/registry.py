"""The parts of one service, each found by its type, and made when somebody first asks for it."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, Union

if TYPE_CHECKING:
    from contextvars import ContextVar

    from flask import Flask
    from flask.ctx import AppContext

T = TypeVar("T")
_KEY = "filewallball"


class Registry:
    """The parts of one service. `make` is called for a type that is not there yet, and provides it."""

    def __init__(self, make: Callable[["Registry", type], None] | None = None) -> None:
        self._make = make
        self._parts: dict[type, Any] = {}
        self._endings: list[Callable[[], object]] = []

    def provide(self, *parts: object) -> None:
        """Make parts available, each by its type; a later one of the same type replaces the first."""
        self._parts.update({type(each): each for each in parts})

    def has(self, kind: type) -> bool:
        """True if the part of this type is there already."""
        return kind in self._parts

    def find(self, kind: type[T]) -> T:
        """The part of this type, made now if it has to be. Raises KeyError if there is none."""
        if kind not in self._parts and self._make is not None:
            self._make(self, kind)
        found: T = self._parts[kind]
        return found

    def at_end(self, *endings: Callable[[], object]) -> None:
        """Have functions called by `close`, the last one first."""
        self._endings += endings

    def close(self) -> None:
        """Give back what the parts hold; whoever asks one of them again takes it again."""
        for ending in reversed(self._endings):
            ending()


Holder = Union["Flask", Registry]
"""What has parts: an application or, where no request is answered, the registry alone."""


def registry_of(holder: Holder) -> Registry:
    """The registry of an application, a new one where it has none, or the registry itself."""
    if isinstance(holder, Registry):
        return holder
    found: Registry = holder.extensions.setdefault(_KEY, Registry())
    return found


def attach(app: "Flask", registry: Registry) -> None:
    """Make the registry's parts those of an application."""
    app.extensions[_KEY] = registry


def provide(holder: Holder, *parts: object) -> None:
    """Make parts available, each by its type; a later one of the same type replaces the first."""
    registry_of(holder).provide(*parts)


def part(kind: type[T], holder: Holder | None = None) -> T:
    """The part of this type, of `holder` or of the current application. Raises KeyError if there is none."""
    registry: Registry
    if holder is None:  # nearly always
        registry = _context().get().app.extensions[_KEY]
    else:
        registry = holder if isinstance(holder, Registry) else holder.extensions[_KEY]
    return registry.find(kind)


@cache
def _context() -> "ContextVar[AppContext]":
    """Where Flask keeps the application at hand. Commands that answer no request do without Flask."""
    from flask.globals import _cv_app

    return _cv_app

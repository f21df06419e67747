"""The parts of one application, each found by its type."""

from typing import TypeVar

from flask import Flask
from flask.globals import _cv_app

T = TypeVar("T")
_KEY = "filewallball"


def provide(app: Flask, *parts: object) -> None:
    """Make parts of `app` available, each by its type; a later one of the same type replaces the first."""
    app.extensions.setdefault(_KEY, {}).update({type(each): each for each in parts})


def part(kind: type[T], app: Flask | None = None) -> T:
    """The part of this type, of `app` or of the current application. Raises KeyError if there is none."""
    found: T = (app or _cv_app.get().app).extensions[_KEY][kind]
    return found

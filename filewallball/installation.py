"""This installation: its version, and the files that stand beside the package, or in a wheel inside it."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_A_WHEEL = _PACKAGE / "_shipped"

SHIPPED = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _PACKAGE.parent
"""The folder of `migrations`, `gunicorn.conf.py` and `wsgi.py`."""

try:
    __version__ = version("filewallball")
except PackageNotFoundError:
    __version__ = "unknown"

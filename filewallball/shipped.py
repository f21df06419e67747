"""The files that stand beside the package in a checkout, and that a wheel carries inside it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_A_WHEEL = _PACKAGE / "_shipped"

SHIPPED = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _PACKAGE.parent
"""The folder of `migrations`, `gunicorn.conf.py` and `wsgi.py`."""

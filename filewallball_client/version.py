"""The version of this installation."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("filewallball")
except PackageNotFoundError:
    __version__ = "unknown"

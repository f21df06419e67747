"""Which service and which token: environment variables, the user's configuration, never a token in an argument."""

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filewallball_client.errors import SettingsError

_KEYS = {"server", "token_file"}
_TOKEN_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Settings:
    """The service's address and the token, which may be empty: then the caller is anonymous."""

    server: str
    token: str
    delete_token: str
    state_folder: Path | None


def load_settings(
    server: str = "", token_file: str = "", environ: Mapping[str, str] | None = None
) -> Settings:
    """An argument goes before the environment, the environment before `config.toml`. Raises SettingsError."""
    environ = os.environ if environ is None else environ
    folder = _folder(environ, "XDG_CONFIG_HOME", ".config")
    configured = _read_configuration(folder / "config.toml") if folder else {}
    return Settings(
        server=server or environ.get("FWB_SERVER", "") or configured.get("server", ""),
        token=_token(environ, token_file, configured, folder),
        delete_token=checked_token(environ.get("FWB_DELETE_TOKEN", "").strip(), "FWB_DELETE_TOKEN"),
        state_folder=_folder(environ, "XDG_STATE_HOME", ".local/state"),
    )


def read_token(path: Path) -> str:
    """The token in a file that its owner alone may read. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SettingsError(f"{path}: is not a regular file")
            if status.st_uid not in (os.geteuid(), 0):
                raise SettingsError(f"{path}: belongs to another user")
            if stat.S_IMODE(status.st_mode) & 0o177:
                raise SettingsError(f"{path}: a file with a token must have the mode 0600 (`chmod 600`)")
            token = file.read(4096).decode("ascii").strip()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: holds no token") from error
    if not token:
        raise SettingsError(f"{path}: is empty")
    return checked_token(token, f"{path}: what it holds")


def checked_token(token: str, place: str = "The token") -> str:
    """A token that can stand in a header. Raises SettingsError, which tells the place where it was found, never it."""
    if len(token) > _TOKEN_LENGTH:
        raise SettingsError(f"{place} is longer than any token.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise SettingsError(
            f"{place} is no token: it holds blanks, line breaks or characters beyond ASCII. "
            "Give the token alone, as it was issued (fwb_…), without `Bearer` and quotes."
        )
    return token


def _token(
    environ: Mapping[str, str], token_file: str, configured: Mapping[str, str], folder: Path | None
) -> str:
    if token_file:
        return read_token(Path(token_file))
    if "FWB_TOKEN" in environ:
        if not (token := environ["FWB_TOKEN"].strip()):
            raise SettingsError("FWB_TOKEN is empty; unset it to go without a token.")
        return checked_token(token, "FWB_TOKEN")
    named = environ.get("FWB_TOKEN_FILE", "") or configured.get("token_file", "")
    if named:
        return read_token(Path(named).expanduser())
    usual = folder / "token" if folder else None
    return read_token(usual) if usual and os.path.lexists(usual) else ""


def _read_configuration(path: Path) -> dict[str, str]:
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if unknown := sorted(values.keys() - _KEYS):
        raise SettingsError(f"{path}: unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    if wrong := [name for name, value in values.items() if not isinstance(value, str)]:
        raise SettingsError(f"{path}: {wrong[0]} must be text")
    return values


def _folder(environ: Mapping[str, str], variable: str, default: str) -> Path | None:
    """The folder of this program below one of the XDG base directories, which must be absolute to count."""
    base = environ.get(variable, "")
    if base.startswith("/"):
        return Path(base) / "fwb"
    home = environ.get("HOME", "")
    return Path(home) / default / "fwb" if home.startswith("/") else None

"""Read the settings from the environment and validate them before the start."""

import ipaddress
import os
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, fields
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from environs import Env, EnvValidationError

from filewallball.settings.errors import ConfigError as ConfigError
from filewallball.settings.kinds import PARSERS, SECRET_KINDS
from filewallball.settings.monitoring import MonitoringSettings
from filewallball.settings.service import Settings
from filewallball.settings.spelling import doubtful, misspelt
from filewallball.settings.tracing import TracingSettings
from filewallball.text import is_undecoded

_LONGEST_SOCKET_PATH = 107


def load_settings(
    environ: Mapping[str, str] | None = None, defaults: Mapping[str, str] | None = None
) -> Settings:
    """Read and validate every setting; raises `ConfigError` naming all bad ones at once.

    `defaults` stand in for variables that the environment leaves out.
    """
    source = ChainMap(dict(os.environ if environ is None else environ), dict(defaults or {}))
    if undecoded := _undecoded(source):
        raise ConfigError(undecoded)
    env = _SettingsEnv(source)
    values = {}
    for row in fields(Settings):
        parse = getattr(env, row.metadata["kind"])
        values[row.name] = parse(row.name.upper(), **row.metadata["options"])
    unknown = misspelt(set(source), {name.upper() for name in values})
    try:
        env.seal()
    except EnvValidationError as error:
        messages = [f"{name}: {' '.join(map(str, texts))}" for name, texts in error.error_messages.items()]  # type: ignore[union-attr]
        raise ConfigError(messages + unknown) from error
    settings = _resolve(values)
    if messages := _contradictions(settings) + unknown:
        raise ConfigError(messages)
    return settings


def doubts(environ: Mapping[str, str] | None = None) -> list[str]:
    """One message for each variable that looks like a setting misspelt, but may be meant for another program."""
    given = set(os.environ if environ is None else environ)
    return doubtful(given, {row.name.upper() for row in fields(Settings)})


def announce_metrics_dir(directory: Path) -> None:
    """Set the one variable that prometheus_client and its exporter insist on finding in the environment."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)


def announce(values: Mapping[str, object], *, replacing: bool) -> None:
    """Set variables for this process and those that it starts, but for values that are None; unless `replacing`, what
    is set already stays."""
    for name, value in values.items():
        if value is not None and (replacing or name not in os.environ):
            os.environ[name] = str(value)


def environment_without_secrets() -> dict[str, str]:
    """The variables for a program that is none of the service's own."""
    secret = {row.name.upper() for row in fields(Settings) if row.metadata["kind"] in SECRET_KINDS}
    return {name: value for name, value in os.environ.items() if name not in secret}


@contextmanager
def without_variables(*prefixes: str) -> Iterator[None]:
    """Hide what begins so in the environment from a library that would read it, past all checks."""
    hidden = {name: os.environ.pop(name) for name in tuple(os.environ) if name.startswith(prefixes)}
    try:
        yield
    finally:
        os.environ.update(hidden)


def claimed_user() -> str:
    """The user that sudo or doas says it acts for; empty without either. Whoever may set variables may lie."""
    return os.environ.get("SUDO_USER") or os.environ.get("DOAS_USER") or ""


def documented() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, for the reference and its test."""
    return [(row.name.upper(), row.metadata["default"], row.metadata["about"]) for row in _rows()]


def _rows() -> list[Field[Any]]:
    """The settings of the service before those of its monitoring and traces, which it inherits."""
    inherited = {row.name for row in (*fields(MonitoringSettings), *fields(TracingSettings))}
    return sorted(fields(Settings), key=lambda row: row.name in inherited)


class _SettingsEnv(Env):
    """An `Env` over any mapping that knows our defaults and kinds; an empty value counts as unset."""

    def __init__(self, source: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self._source = source
        self._defaults = {row.name.upper(): row.metadata["default"] for row in fields(Settings)}
        for parse in PARSERS:
            self.add_parser(parse.__name__, partial(_validated, parse))

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._source.get(env_key) or self._defaults.get(env_key, default)


def _validated(
    parse: Callable[..., Any], text: str, *, validate: Callable[[Any], object] | None = None, **options: Any
) -> Any:
    """What `parse` makes of a text, held to `validate`, which environs does for its own kinds alone."""
    value = parse(text, **options)
    if validate is not None:
        validate(value)
    return value


def _undecoded(source: Mapping[str, str]) -> list[str]:
    names = (row.name.upper() for row in fields(Settings))
    return [
        f"{name}: is no text in the encoding of this locale."
        for name in names
        if is_undecoded(source.get(name, ""))
    ]


def _resolve(values: dict[str, Any]) -> Settings:
    data_dir = values["data_dir"]
    values["log_file"] = data_dir / values["log_file"]
    values["sync_socket"] = values["sync_socket"] or str(data_dir / "sync.sock")
    values["database_url"] = values["database_url"] or f"sqlite:///{quote(str(data_dir / 'filewallball.db'))}"
    served = f"{values['public_url']}/runbook" if values["public_url"] else "docs/runbook.md"
    values["alert_runbook_url"] = values["alert_runbook_url"] or served
    return Settings(**values)


def _contradictions(settings: Settings) -> list[str]:
    messages = []
    if settings.anonymous_role == "admin" and not _is_loopback(settings.bind):
        messages.append("ANONYMOUS_ROLE: admin is accepted only while BIND is a loopback address.")
    if settings.max_upload_size < 1:
        messages.append("MAX_UPLOAD_SIZE: must be at least one byte.")
    if settings.sync_workers and len(settings.sync_socket.encode()) > _LONGEST_SOCKET_PATH:
        messages.append(f"SYNC_SOCKET: the path is longer than {_LONGEST_SOCKET_PATH} bytes.")
    if settings.otel_bsp_max_export_batch_size > settings.otel_bsp_max_queue_size:
        messages.append("OTEL_BSP_MAX_EXPORT_BATCH_SIZE: must not be more than OTEL_BSP_MAX_QUEUE_SIZE.")
    if settings.sync_workers:
        messages += _too_slow(settings)
    return messages


def _too_slow(settings: Settings) -> list[str]:
    """Waits beyond half of WORKER_TIMEOUT: the master would take a sync worker that waits so long for dead."""
    most = settings.worker_timeout / 2
    waits = {"DATABASE_TIMEOUT": settings.database_timeout}
    if settings.scan_policy != "off":
        waits["SCAN_TIMEOUT"] = settings.scan_timeout
    return [
        f"{name}: with SYNC_WORKERS at most half of WORKER_TIMEOUT, which is {most.total_seconds():g} seconds."
        for name, wait in waits.items()
        if wait > most
    ]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"

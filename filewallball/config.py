"""The settings: every environment variable once, with type, default and meaning, validated before the start."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import humanfriendly
from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import OneOf, Range
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ROLES = ("guest", "user", "monitor", "admin")
_EXECUTABLES = "application/x-executable"


class ConfigError(Exception):
    """One or more settings are wrong; `messages` has one line for each."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def setting(kind: str, default: str, about: str, **options: Any) -> Any:
    """A dataclass field read from the variable of its upper-case name; `default` is written as a person would."""
    secret = kind in ("database", "redis", "token", "secret")
    return field(
        repr=not secret, metadata={"kind": kind, "default": default, "about": about, "options": options}
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the service runs with. Sizes are bytes, durations `timedelta`, networks parsed."""

    bind: str = setting("str", "127.0.0.1", "Address to listen on")
    port: int = setting("int", "8000", "Port to listen on", validate=Range(1, 65535))
    web_concurrency: int = setting("int", "2", "Worker processes", validate=Range(1, 64))
    threads: int = setting("int", "8", "Threads in each worker", validate=Range(1, 256))
    max_requests: int = setting(
        "int", "20000", "Requests after which a worker is replaced; 0 = never", validate=Range(0)
    )
    worker_timeout: timedelta = setting(
        "duration", "60s", "A worker without a heartbeat for this long is replaced"
    )
    graceful_timeout: timedelta = setting(
        "duration", "30s", "How long transfers may go on after a stop or reload"
    )
    data_dir: Path = setting("folder", "./instance", "Database, storage, journal, logs and metric files")
    database_url: str = setting(
        "database", "", "`sqlite:///…` or `mysql+pymysql://…`; empty = SQLite under DATA_DIR"
    )
    database_pool_size: int = setting(
        "int", "8", "Connections a worker keeps (MariaDB)", validate=Range(1, 200)
    )
    database_timeout: timedelta = setting(
        "duration", "5s", "Connect, read, write and lock-wait limit of the database"
    )
    redis_url: str = setting("redis", "", "`redis://…` for limits and the metadata cache; empty = none")
    admin_token: str = setting("token", "", "First admin's token; empty = one is generated and shown once")
    anonymous_role: str = setting("str", "user", "Role of callers without a token", validate=OneOf(ROLES))
    monitoring_networks: tuple[Network, ...] = setting(
        "networks", "127.0.0.0/8,::1/128", "Networks that may read metrics, detailed health and statistics"
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "networks", "", "Proxies whose forwarding headers are believed"
    )
    max_upload_size: int = setting("size", "50MB", "Largest file accepted")
    min_free_space: int = setting(
        "size", "auto", "Space never given to uploads; auto = min(256 MB, 5 % of the disk)"
    )
    allowed_file_types: tuple[str, ...] = setting(
        "types", "", "Media types accepted, `image/*` too; empty = any"
    )
    blocked_file_types: tuple[str, ...] = setting("types", _EXECUTABLES, "Media types refused")
    x_accel: bool = setting("bool", "false", "Let nginx send downloads (X-Accel-Redirect to /_blobs/)")
    audit_sync: str = setting(
        "str",
        "second",
        "Journal durability: `second` or `full` (each line)",
        validate=OneOf(("second", "full")),
    )
    audit_seal_key: str = setting("secret", "", "Key of the audit macs and seals; empty = DATA_DIR/audit-key")
    prometheus_enabled: bool = setting("bool", "true", "Serve /metrics")
    public_url: str = setting(
        "base_url", "", "Prefix of the URLs in answers, such as https://files.example.org; empty = paths"
    )
    log_level: str = setting(
        "str",
        "INFO",
        "Least severe level logged",
        validate=OneOf(("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
    )
    log_format: str = setting("str", "json", "`json` or `text`", validate=OneOf(("json", "text")))
    log_file: Path = setting("str", "logs/filewallball.log", "Log file; relative = under DATA_DIR")
    log_max_size: int = setting("size", "10MB", "Size at which the log file is rotated")
    log_backup_count: int = setting("int", "5", "Rotated log files kept", validate=Range(0, 1000))

    @property
    def storage_dir(self) -> Path:
        return self.data_dir / "storage"

    @property
    def journal_dir(self) -> Path:
        return self.data_dir / "journal"

    @property
    def slots_dir(self) -> Path:
        return self.data_dir / "slots"

    @property
    def metrics_dir(self) -> Path:
        return self.data_dir / "metrics"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and validate every setting; raises `ConfigError` naming all bad ones at once."""
    env = _SettingsEnv(os.environ if environ is None else environ)
    values = {}
    for row in fields(Settings):
        parse = getattr(env, row.metadata["kind"])
        values[row.name] = parse(row.name.upper(), **row.metadata["options"])
    messages: list[str] = []
    try:
        env.seal()
    except EnvValidationError as error:
        messages = [f"{name}: {' '.join(map(str, texts))}" for name, texts in error.error_messages.items()]  # type: ignore[union-attr]
        raise ConfigError(messages) from error
    settings = _resolve(values)
    messages = _contradictions(settings)
    if messages:
        raise ConfigError(messages)
    return settings


def documented() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, for the README and its test."""
    return [(row.name.upper(), row.metadata["default"], row.metadata["about"]) for row in fields(Settings)]


class _SettingsEnv(Env):
    """An `Env` over any mapping that knows our defaults and kinds; an empty value counts as unset."""

    def __init__(self, source: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self._source = source
        self._defaults = {row.name.upper(): row.metadata["default"] for row in fields(Settings)}
        for parse in (size, duration, folder, database, redis, token, secret, networks, types, base_url):
            self.add_parser(parse.__name__, parse)

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._source.get(env_key) or self._defaults.get(env_key, default)


def size(value: str, **_: Any) -> int:
    if value == "auto":
        return -1
    try:
        return int(humanfriendly.parse_size(value, binary=True))
    except humanfriendly.InvalidSize as error:
        raise ValidationError(f"{value!r} is not a size such as 50MB.") from error


def duration(value: str, **_: Any) -> timedelta:
    try:
        seconds = humanfriendly.parse_timespan(value)
    except humanfriendly.InvalidTimespan as error:
        raise ValidationError(f"{value!r} is not a duration such as 30s or 7d.") from error
    if seconds <= 0:
        raise ValidationError("must be longer than zero.")
    return timedelta(seconds=seconds)


def folder(value: str, **_: Any) -> Path:
    return Path(value).expanduser().resolve()


def database(value: str, **_: Any) -> str:
    if not value:
        return ""
    try:
        driver = make_url(value).drivername
    except ArgumentError as error:
        raise ValidationError("is not a database URL.") from error
    if driver not in ("sqlite", "mysql+pymysql"):
        raise ValidationError("must be sqlite:///… or mysql+pymysql://….")
    if driver == "sqlite" and make_url(value).database in (None, "", ":memory:"):
        raise ValidationError("an SQLite database must be a file.")
    return value


def redis(value: str, **_: Any) -> str:
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValidationError("must start with redis://, rediss:// or unix://.")
    return value


def token(value: str, **_: Any) -> str:
    if value and (len(value) < 20 or not value.isascii() or not value.isprintable() or " " in value):
        raise ValidationError("must be at least 20 printable ASCII characters without spaces.")
    return value


def secret(value: str, **_: Any) -> str:
    if value and len(value) < 32:
        raise ValidationError("must be at least 32 characters.")
    return value


def networks(value: str, **_: Any) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in _parts(value))
    except ValueError as error:
        raise ValidationError(f"{error}.") from error


def types(value: str, **_: Any) -> tuple[str, ...]:
    wrong = [part for part in _parts(value) if part.count("/") != 1 or "*" in part.partition("/")[0]]
    if wrong:
        raise ValidationError(f"{wrong[0]!r} is not a media type.")
    return tuple(part.lower() for part in _parts(value))


def base_url(value: str, **_: Any) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValidationError("must start with http:// or https://.")
    return value.rstrip("/")


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _resolve(values: dict[str, Any]) -> Settings:
    data_dir = values["data_dir"]
    values["log_file"] = data_dir / values["log_file"]
    values["database_url"] = values["database_url"] or f"sqlite:///{data_dir / 'filewallball.db'}"
    return Settings(**values)


def _contradictions(settings: Settings) -> list[str]:
    messages = []
    if settings.anonymous_role == "admin" and not _is_loopback(settings.bind):
        messages.append("ANONYMOUS_ROLE: admin is accepted only while BIND is a loopback address.")
    if settings.max_upload_size < 1:
        messages.append("MAX_UPLOAD_SIZE: must be at least one byte.")
    return messages


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"

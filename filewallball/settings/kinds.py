"""Kinds of settings: how the text of an environment variable becomes a checked value."""

import re
import shlex
from collections.abc import Callable
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import humanfriendly
from marshmallow import ValidationError
from marshmallow.validate import Email
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from filewallball.addresses import NetworkSet, read_network
from filewallball.settings.rates import limits
from filewallball.settings.tracing_kinds import TRACING_PARSERS

SECRET_KINDS = ("database", "redis", "token", "secret", "password", "secret_url", "secret_headers")
_HIGHEST_PERCENT = 99.999
_LONGEST_SECONDS = 100 * 366 * 86_400
_ENDPOINT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_WEB_URL = re.compile(r"https?://[^\s/?#]+[^\s]*")
_ANY_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s]+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


def setting(kind: str, default: str, about: str, **options: Any) -> Any:
    """A dataclass field read from the variable of its upper-case name; `default` is written as a person would."""
    return field(
        repr=kind not in SECRET_KINDS,
        metadata={"kind": kind, "default": default, "about": about, "options": options},
    )


def size(value: str, **_: Any) -> int:
    try:
        return int(humanfriendly.parse_size(value, binary=True))
    except (humanfriendly.InvalidSize, OverflowError, ValueError) as error:
        raise ValidationError(f"{value!r} is not a size such as 50MB.") from error


def size_or_auto(value: str, **_: Any) -> int:
    """A size; -1 for `auto`."""
    return -1 if value == "auto" else size(value)


def duration(value: str, **_: Any) -> timedelta:
    try:
        seconds = humanfriendly.parse_timespan(value)
    except (humanfriendly.InvalidTimespan, OverflowError, ValueError) as error:
        raise ValidationError(f"{value!r} is not a duration such as 30s or 7d.") from error
    if seconds <= 0:
        raise ValidationError("must be longer than zero.")
    if seconds > _LONGEST_SECONDS:
        raise ValidationError("must not be longer than 100 years.")
    return timedelta(seconds=seconds)


def age(value: str, **_: Any) -> timedelta | None:
    return duration(value) if value else None


def percent(value: str, **_: Any) -> float:
    try:
        share = float(value)
    except ValueError:
        share = 0
    if not 50 <= share <= _HIGHEST_PERCENT:
        raise ValidationError(f"{value!r} is not a percentage from 50 to {_HIGHEST_PERCENT}, such as 99.9.")
    return share


def endpoint(value: str, **_: Any) -> str:
    if not value.startswith("/") and not _ENDPOINT.fullmatch(value):
        raise ValidationError("must be host:port or the path of a socket.")
    return value


def folder(value: str, **_: Any) -> Path:
    try:
        return Path(value).expanduser().resolve()
    except (RuntimeError, OSError) as error:
        raise ValidationError("begins with the home of a user whom this host does not know.") from error


def database(value: str, **_: Any) -> str:
    if not value:
        return ""
    try:
        driver = make_url(value).drivername
    except (ArgumentError, ValueError) as error:  # the latter for a port that is no number
        raise ValidationError("is not a database URL.") from error
    if driver not in ("sqlite", "mysql+pymysql"):
        raise ValidationError("must be sqlite:///… or mysql+pymysql://….")
    if driver == "sqlite" and make_url(value).database in (None, "", ":memory:"):
        raise ValidationError("an SQLite database must be a file.")
    return value


def redis(value: str, **_: Any) -> str:
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValidationError("must start with redis://, rediss:// or unix://.")
    if not _has_readable_host(value):
        raise ValidationError("has a host or port that cannot be read.")
    return value


def token(value: str, **_: Any) -> str:
    if value and (len(value) < 20 or not value.isascii() or not value.isprintable() or " " in value):
        raise ValidationError("must be at least 20 printable ASCII characters without spaces.")
    return value


def secret(value: str, **_: Any) -> str:
    if value and len(value) < 32:
        raise ValidationError("must be at least 32 characters.")
    return value


def networks(value: str, **_: Any) -> NetworkSet:
    try:
        return NetworkSet(read_network(part, strict=True) for part in _parts(value))
    except ValueError as error:
        raise ValidationError(f"{error}.") from error


def types(value: str, **_: Any) -> tuple[str, ...]:
    wrong = [part for part in _parts(value) if part.count("/") != 1 or "*" in part.partition("/")[0]]
    if wrong:
        raise ValidationError(f"{wrong[0]!r} is not a media type.")
    return tuple(part.lower() for part in _parts(value))


def web_url(value: str, **_: Any) -> str:
    if value and not (_WEB_URL.fullmatch(value) and _has_readable_host(value)):
        raise ValidationError("must be a URL that starts with http:// or https://.")
    return value


def base_url(value: str, **_: Any) -> str:
    return web_url(value).rstrip("/")


def shown_url(value: str, **_: Any) -> str:
    """A URL that anybody is shown, so it may hold no credentials."""
    if "@" in urlsplit(base_url(value)).netloc:
        raise ValidationError("is shown to everybody: it must not hold a name or a password.")
    return base_url(value)


def _has_readable_host(url: str) -> bool:
    try:
        urlsplit(url).port  # noqa: B018 - raises for one that is none, as the parts do for a host in half a bracket
    except ValueError:
        return False
    return True


def web_urls(value: str, **_: Any) -> tuple[str, ...]:
    return tuple(web_url(part) for part in _parts(value))


def secret_url(value: str, **_: Any) -> str:
    if value and not _ANY_URL.fullmatch(value):
        raise ValidationError("is not a URL.")
    return value


def password(value: str, **_: Any) -> str:
    return value


def absolute(value: str, **_: Any) -> str:
    if value and not value.startswith("/"):
        raise ValidationError("must be an absolute path.")
    return value


def command(value: str, **_: Any) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValidationError("has a quotation mark without its other half.") from error


def addresses(value: str, **_: Any) -> tuple[str, ...]:
    check = Email()
    return tuple(check(part) for part in _parts(value))


def phones(value: str, **_: Any) -> tuple[str, ...]:
    wrong = [part for part in _parts(value) if not _PHONE.fullmatch(part)]
    if wrong:
        raise ValidationError(f"{wrong[0]!r} is not a number such as +821012345678.")
    return tuple(_parts(value))


def targets(value: str, **_: Any) -> tuple[str, ...]:
    if value == "off":
        return ()
    wrong = [part for part in _parts(value) if not _ENDPOINT.fullmatch(part)]
    if wrong:
        raise ValidationError(f"{wrong[0]!r} is not host:port.")
    return tuple(_parts(value))


def origins(value: str, **_: Any) -> tuple[str, ...]:
    wrong = [part for part in _parts(value) if part != "*" and not _ORIGIN.fullmatch(part)]
    if wrong:
        raise ValidationError(f"{wrong[0]!r} is neither an origin such as https://app.example.org nor *.")
    return tuple(part.lower() for part in _parts(value))


def hosts(value: str, **_: Any) -> tuple[str, ...]:
    return tuple(_host(part) for part in _parts(value))


def _host(text: str) -> str:
    """A name as browsers send it. Raises ValidationError."""
    wildcard, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    try:
        found = wildcard + name.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        found = ""
    if not _HOST.fullmatch(found):
        raise ValidationError(f"{text!r} is neither a host such as files.example.org nor *.example.org.")
    return found


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


PARSERS: tuple[Callable[..., Any], ...] = (
    size,
    size_or_auto,
    duration,
    age,
    percent,
    endpoint,
    folder,
    database,
    redis,
    token,
    secret,
    networks,
    types,
    web_url,
    base_url,
    shown_url,
    web_urls,
    secret_url,
    password,
    absolute,
    command,
    addresses,
    phones,
    targets,
    limits,
    origins,
    hosts,
    *TRACING_PARSERS,
)
"""The functions that read settings; each reads those whose kind is its name."""

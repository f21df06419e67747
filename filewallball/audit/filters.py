"""Filters of the audit log, as conditions that each find an index in (time, id) order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, or_

from filewallball.addresses import UNKNOWN_CLIENT, Network, packed
from filewallball.clock import rfc3339
from filewallball.database.columns import equals
from filewallball.database.engines import dialect_of
from filewallball.observability.vocabulary import ACTIONS
from filewallball.recording.event import DENIED, FAILED, SUCCESS
from filewallball.recording.operations import resource_type
from filewallball.recording.tables import audit_log

STATUSES = (SUCCESS, FAILED, DENIED)
VERBS = {
    "create": ("upload", "create", "append", "add", "receive", "send"),
    "read": (
        *("download", "view", "thumbnail", "list", "describe", "check", "read", "export", "replay"),
        *("history", "verify", "reconcile", "scan", "scrub", "unlock", "claim", "join"),
    ),
    "update": (
        *("rotate", "release", "login", "update", "set", "enable", "disable", "quarantine"),
        *("rebuild", "restore", "on", "off", "finish"),
    ),
    "delete": ("delete", "expire", "revoke", "prune", "remove", "terminate"),
}
"""The second words of actions that each verb stands for. A failed authentication is none of them."""
_SECOND_US = 1_000_000
_MOST_ADDRESSES = 24
_MOST_KINDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """`action` is a full action (`file:upload`) or one of VERBS; `ip_address` a network or UNKNOWN_CLIENT; the bounds
    of time are inclusive; `error_type` is one code or several, separated by commas; '' and None are «any»."""

    user_id: int | None = None
    action: str = ""
    resource_type: str = ""
    status: str = ""
    date_from: int | None = None
    date_to: int | None = None
    ip_address: Network | str | None = None
    request_id: str = ""
    trace_id: str = ""
    link_id: str = ""
    resource_id: str = ""
    error_type: str = ""
    q: str = ""

    @property
    def is_selective(self) -> bool:
        """True if it names something that an index of its own finds."""
        return bool(
            self.user_id is not None
            or self.ip_address
            or self.request_id
            or self.trace_id
            or self.link_id
            or self.resource_id
            or self.error_type
        )

    @property
    def error_types(self) -> list[str]:
        """The error codes meant; none for any."""
        return self.error_type.split(",") if self.error_type else []

    def shown(self) -> dict[str, Any]:
        """The filters given, as the answer repeats them."""
        values: dict[str, Any] = {
            name: getattr(self, name) for name in self.__slots__ if getattr(self, name) not in ("", None)
        }
        if self.date_from is not None:
            values["date_from"] = rfc3339(self.date_from)
        if self.date_to is not None:  # a second that is meant to its end is shown as that second
            is_whole = self.date_to % _SECOND_US == _SECOND_US - 1
            values["date_to"] = rfc3339(self.date_to - is_whole * (_SECOND_US - 1))
        if isinstance(self.ip_address, Network):
            whole = self.ip_address.num_addresses == 1
            values["ip_address"] = str(self.ip_address.network_address if whole else self.ip_address)
        return values


@dataclass(frozen=True, slots=True)
class Scope:
    """A filter made concrete against what is on record now: its actions, each with an outcome, and
    addresses spelled out."""

    wanted: AuditFilter
    kinds: Sequence[tuple[str, ...]] | None = None
    addresses: Sequence[bytes] | None = None

    @property
    def actions(self) -> Sequence[str] | None:
        """The actions meant; None for all."""
        return None if self.kinds is None else sorted({action for action, _ in self.kinds})

    def conditions(self) -> list[ColumnElement[bool]]:
        """All conditions of the filter as one list, for counting."""
        found = [*self._common(), *self._errors(), *self._kinds()]
        if self.wanted.ip_address is not None:
            found.append(audit_log.c.address.between(*_bounds(self.wanted.ip_address)))
        return found

    def branches(self) -> list[list[ColumnElement[bool]]]:
        """Disjoint lists of conditions that together are the filter, each served by one index in (time, id) order."""
        common = list(self._common())
        if self.index == "ix_audit_log_error":
            codes = self.wanted.error_types
            return [[*common, *self._kinds(), equals(audit_log.c.error_type, code)] for code in codes]
        common += self._errors()
        if self.addresses is not None:
            return [[*common, *self._kinds(), audit_log.c.address == address] for address in self.addresses]
        if self.kinds is None or self.wanted.is_selective:
            return [self.conditions()]
        return [
            [*common, audit_log.c.action == action, audit_log.c.status == status]
            for action, status in self.kinds
            if self.wanted.status in ("", status)
        ]

    @property
    def index(self) -> str | None:
        """The index that finds every branch in (time, id) order; None leaves the choice to the database.
        Left to itself it walks the whole log by time where a branch is empty."""
        wanted = self.wanted
        named = {
            "request": wanted.request_id,
            "trace": wanted.trace_id,
            "link": wanted.link_id,
            "resource": wanted.resource_id,
            "user": wanted.user_id,
            "error": wanted.error_type,
        }
        if self.addresses is not None:
            return "ix_audit_log_address"
        if wanted.ip_address is not None:
            return None
        for name, value in named.items():
            if value:
                return f"ix_audit_log_{name}"
        if wanted.user_id is not None:
            return "ix_audit_log_user"
        if self.kinds is not None:
            return "ix_audit_log_action"
        return "ix_audit_log_status" if wanted.status else "ix_audit_log_timestamp"

    def _kinds(self) -> Iterator[ColumnElement[bool]]:
        if (actions := self.actions) is not None:
            yield audit_log.c.action.in_(actions)
        if self.wanted.status:
            yield audit_log.c.status == self.wanted.status

    def _errors(self) -> list[ColumnElement[bool]]:
        codes = self.wanted.error_types
        return [or_(*(equals(audit_log.c.error_type, code) for code in codes))] if codes else []

    def _common(self) -> Iterator[ColumnElement[bool]]:
        wanted = self.wanted
        if wanted.user_id is not None:
            yield audit_log.c.user_id == wanted.user_id
        for name in ("request_id", "trace_id", "link_id", "resource_id"):
            if value := getattr(wanted, name):
                yield equals(audit_log.c[name], value)
        if (
            wanted.ip_address == UNKNOWN_CLIENT
        ):  # packed as the service's own rows are, for neither is an address
            yield audit_log.c.ip_address == UNKNOWN_CLIENT
        if wanted.date_from is not None:
            yield audit_log.c.timestamp_us >= wanted.date_from
        if wanted.date_to is not None:
            yield audit_log.c.timestamp_us <= wanted.date_to
        if wanted.q:
            texts = [audit_log.c.username, audit_log.c.user_agent, audit_log.c.details]
            if wanted.q.isascii():  # MariaDB compares an ASCII column with nothing else
                texts.append(audit_log.c.resource_id)
            found = [func.instr(text, wanted.q) > 0 for text in texts]
            inside = orjson.dumps(wanted.q).decode()[1:-1]
            if inside != wanted.q:  # details are JSON, where a quote or backslash in a name has one before it
                found.append(func.instr(audit_log.c.details, inside) > 0)
            yield or_(*found)


def resolve(connection: Connection, wanted: AuditFilter) -> Scope:
    """Spell out the actions that a verb or resource type stands for, and the few addresses of a network."""
    kinds = None
    if wanted.action or wanted.resource_type:
        kinds = _kinds(connection, wanted)
    addresses: Sequence[bytes] | None = None
    if wanted.ip_address is not None:
        low, high = _bounds(wanted.ip_address)
        addresses = [low] if low == high else _addresses(connection, low, high)
    return Scope(wanted, kinds, addresses)


def _kinds(connection: Connection, wanted: AuditFilter) -> list[tuple[str, ...]]:
    """The actions and outcomes on record that are meant."""
    columns = [audit_log.c.action, audit_log.c.status]
    within = [] if wanted.action in ("", *VERBS) else [audit_log.c.action == wanted.action]
    dialect = dialect_of(connection.dialect.name)
    found = dialect.distinct(connection, columns, "ix_audit_log_action", within, _MOST_KINDS)
    if found is None:  # somebody made up more than the service ever had: its own are shown all the same
        found = list(product(ACTIONS, STATUSES))
    return [(action, status) for action, status in found if _is_meant(action, wanted)]


def _addresses(connection: Connection, low: bytes, high: bytes) -> list[bytes] | None:
    within = [audit_log.c.address.between(low, high)]
    columns = [audit_log.c.address]
    dialect = dialect_of(connection.dialect.name)
    found = dialect.distinct(connection, columns, "ix_audit_log_address", within, _MOST_ADDRESSES)
    return None if found is None else [address for (address,) in found]


def _is_meant(action: str, wanted: AuditFilter) -> bool:
    if wanted.resource_type and resource_type(action) != wanted.resource_type:
        return False
    if wanted.action in VERBS:
        return action.rpartition(":")[2] in VERBS[wanted.action]
    return wanted.action in ("", action)


def _bounds(wanted: Network | str) -> tuple[bytes, bytes]:
    if isinstance(wanted, str):
        return packed(wanted), packed(wanted)
    return packed(str(wanted.network_address)), packed(str(wanted.broadcast_address))

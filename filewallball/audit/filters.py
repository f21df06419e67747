"""Which rows of the audit log somebody asks for, as conditions that each find an index in (time, id) order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from filewallball.audit.models import AuditRow
from filewallball.audit.trail import packed
from filewallball.clock import rfc3339
from filewallball.event import DENIED, FAILED, SUCCESS
from filewallball.operations import resource_type

STATUSES = (SUCCESS, FAILED, DENIED)
VERBS = {
    "create": ("upload", "create", "add"),
    "read": ("download", "view", "thumbnail", "list", "describe", "check", "read", "export", "verify"),
    "update": ("rotate", "release", "login", "update", "set", "enable", "disable", "quarantine"),
    "delete": ("delete", "expire", "revoke", "prune", "remove"),
}
_MOST_ADDRESSES = 24
_MOST_ACTIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """`action` is a full action (`file:upload`) or one of VERBS; the bounds of time are inclusive; '' and None are
    «any»."""

    user_id: int | None = None
    action: str = ""
    resource_type: str = ""
    status: str = ""
    date_from: int | None = None
    date_to: int | None = None
    ip_address: IPv4Network | IPv6Network | None = None
    request_id: str = ""
    resource_id: str = ""
    error_type: str = ""
    q: str = ""

    @property
    def is_selective(self) -> bool:
        """Whether it names something that an index of its own finds."""
        return bool(
            self.user_id is not None
            or self.ip_address
            or self.request_id
            or self.resource_id
            or self.error_type
        )

    def shown(self) -> dict[str, Any]:
        """The filters given, as the answer repeats them."""
        values: dict[str, Any] = {
            name: getattr(self, name) for name in self.__slots__ if getattr(self, name) not in ("", None)
        }
        for name in ("date_from", "date_to"):
            if name in values:
                values[name] = rfc3339(values[name] - values[name] % 1_000_000)
        if self.ip_address is not None:
            whole = self.ip_address.num_addresses == 1
            values["ip_address"] = str(self.ip_address.network_address if whole else self.ip_address)
        return values


@dataclass(frozen=True, slots=True)
class Scope:
    """A filter made concrete against what is on record now: its actions and addresses spelled out."""

    wanted: AuditFilter
    actions: Sequence[str] | None = None
    addresses: Sequence[bytes] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """All of the filter as one list, for counting."""
        found = [*self._common(), *self._kinds()]
        if self.wanted.ip_address is not None:
            found.append(AuditRow.address.between(*_bounds(self.wanted.ip_address)))
        return found

    def branches(self) -> list[list[ColumnElement[bool]]]:
        """Disjoint lists of conditions that together are the filter, each served by one index in (time, id) order."""
        common = list(self._common())
        if self.addresses is not None:
            return [[*common, *self._kinds(), AuditRow.address == address] for address in self.addresses]
        if self.actions is None or self.wanted.is_selective:
            return [self.conditions()]
        statuses = [self.wanted.status] if self.wanted.status else STATUSES
        return [
            [*common, AuditRow.action == action, AuditRow.status == status]
            for action, status in product(self.actions, statuses)
        ]

    @property
    def index(self) -> str | None:
        """The index that finds every branch in (time, id) order; None leaves the choice to the database, which else
        walks the whole log by time where a branch is empty."""
        wanted = self.wanted
        named = {
            "request": wanted.request_id,
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
        if self.actions is not None:
            return "ix_audit_log_action"
        return "ix_audit_log_status" if wanted.status else "ix_audit_log_timestamp"

    def _kinds(self) -> Iterator[ColumnElement[bool]]:
        if self.actions is not None:
            yield AuditRow.action.in_(self.actions)
        if self.wanted.status:
            yield AuditRow.status == self.wanted.status

    def _common(self) -> Iterator[ColumnElement[bool]]:
        wanted = self.wanted
        if wanted.user_id is not None:
            yield AuditRow.user_id == wanted.user_id
        for name in ("request_id", "resource_id", "error_type"):
            if value := getattr(wanted, name):
                yield getattr(AuditRow, name) == value
        if wanted.date_from is not None:
            yield AuditRow.timestamp_us >= wanted.date_from
        if wanted.date_to is not None:
            yield AuditRow.timestamp_us <= wanted.date_to
        if wanted.q:
            texts: list[Any] = [AuditRow.username, AuditRow.user_agent, AuditRow.details]
            if wanted.q.isascii():  # MariaDB compares an ASCII column with nothing else
                texts.append(AuditRow.resource_id)
            yield or_(*(func.instr(text, wanted.q) > 0 for text in texts))


def resolve(connection: Connection, wanted: AuditFilter) -> Scope:
    """Spell out the actions that a verb or resource type stands for, and the few addresses of a network."""
    actions: Sequence[str] | None = None
    if wanted.action in VERBS or wanted.resource_type:
        known = _distinct(connection, AuditRow.action, "", None, _MOST_ACTIONS) or []
        actions = [action for action in known if _is_meant(action, wanted)]
    elif wanted.action:
        actions = [wanted.action]
    addresses: Sequence[bytes] | None = None
    if wanted.ip_address is not None:
        low, high = _bounds(wanted.ip_address)
        addresses = (
            [low] if low == high else _distinct(connection, AuditRow.address, low, high, _MOST_ADDRESSES)
        )
    return Scope(wanted, actions, addresses)


def _is_meant(action: str, wanted: AuditFilter) -> bool:
    if wanted.resource_type and resource_type(action) != wanted.resource_type:
        return False
    if wanted.action in VERBS:
        return action.rpartition(":")[2] in VERBS[wanted.action]
    return wanted.action in ("", action)


def _distinct(connection: Connection, column: Any, low: Any, high: Any, most: int) -> list[Any] | None:
    """The distinct values of an indexed column from `low` to `high`, one seek each; None if more than `most`.

    Not one recursive statement: MariaDB would scan the whole index for every step of it.
    """
    found: list[Any] = []
    following = column >= low
    while len(found) <= most:
        within = [following, *([column <= high] if high is not None else [])]
        value = connection.execute(select(func.min(column)).where(*within)).scalar()
        if value is None:
            return found
        found.append(value)
        following = column > value
    return None


def _bounds(network: IPv4Network | IPv6Network) -> tuple[bytes, bytes]:
    return packed(str(network.network_address)), packed(str(network.broadcast_address))

"""Blocked networks: added by hand or by the gate, lifted by hand or by time, known to every worker within a second."""

import ipaddress
import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, or_, select, update

from filewallball import errors
from filewallball.access.blockable import Blockable, parse_network
from filewallball.access.listing import Listed, Place, by_id, has
from filewallball.access.tables import blocks, generations
from filewallball.addresses import UNKNOWN_CLIENT, Network
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.operations import Operation
from filewallball.text import sanitize

MANUAL, AUTOMATIC = "manual", "automatic"
MOST_BLOCKS = 100_000
"""More than that many are not looked at; CIDR blocks say more with less."""
_NAME = "blocks"
_EVERYBODY = ((4, 32), (6, 128))
logger = logging.getLogger("filewallball.access")
_ASK = select(generations.c.value).where(generations.c.name == _NAME)


@dataclass(frozen=True, slots=True)
class ActiveBlock:
    """A block as the gate needs it."""

    id: int
    network: str
    expires_us: int | None

    def is_over(self) -> bool:
        """True if its time has passed."""
        return self.expires_us is not None and self.expires_us <= now_us()


class BlockList:
    """The blocks in force, in memory. `refresh` costs one row unless something changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._generation = -1
        self._tables: dict[tuple[int, int], dict[int, ActiveBlock]] = {}

    @property
    def count(self) -> int:
        """Count the networks that are blocked now."""
        return sum(not block.is_over() for table in self._tables.values() for block in table.values())

    def find(self, address: str) -> ActiveBlock | None:
        """The block that the address lies in; for an unknown one, only a block of every address counts."""
        if not self._tables:
            return None
        if address == UNKNOWN_CLIENT:
            everybody = (self._tables.get(table, {}).get(0) for table in _EVERYBODY)
            return next((block for block in everybody if block is not None and not block.is_over()), None)
        version, number = _number(address)
        for (of_version, shift), table in self._tables.items():
            if of_version == version:
                block = table.get(number >> shift)
                if block is not None and not block.is_over():
                    return block
        return None

    def refresh(self) -> None:
        """Read the blocks again if anybody changed them."""
        generation = self._database.scalar(_ASK)
        if generation is None or generation == self._generation:
            return
        tables: dict[tuple[int, int], dict[int, ActiveBlock]] = {}
        for row in list_blocks(self._database, Place(size=MOST_BLOCKS)).rows:
            network = _read(row)
            if network is None:
                continue
            shift = network.max_prefixlen - network.prefixlen
            entries = tables.setdefault((network.version, shift), {})
            number = int(network.network_address) >> shift
            block = ActiveBlock(row.id, row.network, row.expires_us)
            entries[number] = _longer(block, entries.get(number))
        self._tables, self._generation = tables, generation


def list_blocks(
    database: Database, place: Place, *, everything: bool = False, origin: str = "", q: str = ""
) -> Listed:
    """One page of the blocks in force, newest first, or also of those that ended: all, or those of an origin, or with
    a text in their network."""
    wanted = [*(() if everything else _in_force()), *has(blocks.c.network, q)]
    if origin:
        wanted.append(blocks.c.origin == origin)
    return by_id(database, select(blocks), blocks.c.id, wanted, place)


def count_blocks(database: Database) -> int:
    """Count the networks that are blocked now."""
    statement = select(func.count(blocks.c.network.distinct())).where(*_in_force())
    return int(database.scalar(statement))


def add_block(
    op: Operation,
    blockable: Blockable,
    network: str,
    reason: str,
    *,
    evidence: str = "",
    origin: str = MANUAL,
    expires_in: int | None = None,
    force: bool = False,
) -> Row[Any]:
    """Block an address (IPv6: mostly its /64) or a network, for so many seconds or for good.

    A network that is blocked already gets the new reason and end. Raises ValidationFailed, and without `force`
    Conflict for a network that is blocked by force alone.
    """
    blocked = parse_network(network)
    if not force:
        blockable.check(blocked, op.caller.ip_address)
    now = now_us()
    values = {
        "network": str(blocked).removesuffix("/32") if blocked.version == 4 else str(blocked),
        "reason": sanitize(reason, 255),
        "evidence": sanitize(evidence, 1000),
        "origin": origin,
        "created_us": now,
        "expires_us": now + expires_in * 1_000_000 if expires_in else None,
    }
    op.note(details={name: values[name] for name in ("network", "reason", "evidence", "origin")})

    return op.change(lambda connection: _put(connection, op, values))


def _put(connection: Connection, op: Operation, values: dict[str, Any]) -> Row[Any]:
    """Renew the block of the network that is in force, or insert one."""
    _announce(connection)  # locks its row: of two who block the same network one sees the other's block
    in_force = select(blocks.c.id).where(blocks.c.network == values["network"], *_in_force())
    row_id = connection.execute(in_force.order_by(blocks.c.id.desc()).limit(1)).scalar()
    if row_id is None:
        key = connection.execute(insert(blocks), values).inserted_primary_key
        row_id = key[0] if key else 0
    else:
        renewed = {name: value for name, value in values.items() if name != "created_us"}
        connection.execute(update(blocks).where(blocks.c.id == row_id).values(**renewed))
    op.note(resource_id=str(row_id))
    return connection.execute(select(blocks).where(blocks.c.id == row_id)).one()


def lift_block(op: Operation, block_id: int) -> None:
    """End a block before its time. Raises NotFound."""
    op.note(resource_id=str(block_id))
    lifted = update(blocks).where(blocks.c.id == block_id, *_in_force()).values(lifted_us=now_us())

    def work(connection: Connection) -> None:
        if connection.execute(lifted).rowcount != 1:
            raise errors.NotFound("There is no such block, or it has ended.")
        _announce(connection)

    op.change(work)


def _read(row: Row[Any]) -> Network | None:
    """A row's network. One that cannot be read must not keep the others from holding."""
    try:
        return ipaddress.ip_network(row.network)
    except ValueError:
        logger.error("A block cannot be read and does not hold", extra={"block_id": row.id})
        return None


def _longer(one: ActiveBlock, other: ActiveBlock | None) -> ActiveBlock:
    if other is None or one.expires_us is None:
        return one
    if other.expires_us is None or other.expires_us > one.expires_us:
        return other
    return one


def _in_force() -> tuple[ColumnElement[bool], ...]:
    return blocks.c.lifted_us.is_(None), or_(blocks.c.expires_us.is_(None), blocks.c.expires_us > now_us())


def _announce(connection: Connection) -> None:
    raised = update(generations).where(generations.c.name == _NAME)
    connection.execute(raised.values(value=generations.c.value + 1))


@lru_cache(4096)
def _number(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)

"""A campaign: whatever random changes of tables without any rule make a reader of the log see, verification finds."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from filewallball.clock import now_us
from filewallball.recording.caller import Caller
from filewallball.recording.event import Event
from filewallball.recording.tables import audit_blocks, audit_chain, audit_log
from harness.parts import Parts
from tests.fixtures.audit_log import alter, finish_upgrade, rows_of, seal_blocks, write_as_before

Record = Callable[..., list[Event]]
_TABLES = (audit_log, audit_blocks, audit_chain)
_BLOCKS, _ROWS = 9, 33
_DAY_US = 86_400_000_000
_NAMES = [column.name for column in audit_log.c]


@pytest.fixture
def loose(parts: Parts, record: Record) -> Parts:
    """A log that was pruned of two blocks, its rows of either format, in tables without keys where all may be NULL:
    only seals protect it."""
    write_as_before(parts)
    seal_blocks(parts, record, 2, timestamp_us=now_us() - 400 * _DAY_US)
    seal_blocks(parts, record, 2)
    finish_upgrade(parts)
    seal_blocks(parts, record, 2)
    seal_blocks(parts, record, 2, link_id="a link", trace_id="7" * 32)
    assert parts.retention.prune_expired(Caller(username="system", role="admin")) == 8
    assert parts.sealer.run() == 1
    for table in _TABLES:
        _loosen(parts, table)
    return parts


def test_whatever_changes_what_a_reader_sees_is_found(
    loose: Parts, rounds: Callable[[int, int], int]
) -> None:
    known = _problems(loose)
    assert known
    assert all("outside" in problem for problem in known)  # the tables themselves, and nothing in them
    seen = _seen(loose)
    told = 0
    for seed in range(rounds(60, 3000)):
        draw = random.Random(seed)
        statements = [
            _change(draw, is_sqlite=loose.database.dialect.name == "sqlite")
            for _ in range(draw.choice((1, 1, 1, 2, 3)))
        ]
        alter(loose, *statements)

        if _seen(loose) != seen:
            told += 1
            assert _problems(loose) - known, (seed, statements)
        else:
            assert _problems(loose) >= known, (seed, statements)
        _put_back(loose)

    assert told > rounds(30, 1500)
    assert _problems(loose) == known


def _problems(parts: Parts) -> set[str]:
    findings = parts.verification.verifier().verify().findings
    return {f"{finding.block or 'outside'}: {finding.problem}" for finding in findings}


def _seen(parts: Parts) -> list[Any]:
    """All that is to be read, each value with its kind."""
    found = [rows_of(parts, f"SELECT * FROM {table.name}") for table in _TABLES]
    return [sorted(repr(tuple(row)) for row in rows) for rows in found]


def _change(draw: random.Random, *, is_sqlite: bool) -> str:
    row, block = draw.randint(1, _ROWS), draw.randint(1, _BLOCKS)
    kinds: list[Callable[[], str]] = [
        lambda: f"UPDATE audit_log SET `{draw.choice(_NAMES)}` = {_value(draw, is_sqlite)} WHERE id = {row}",
        lambda: (
            f"UPDATE audit_log SET `{draw.choice(_NAMES)}` = {_value(draw, is_sqlite)} WHERE block_id = {block}"
        ),
        lambda: f"UPDATE audit_log SET {_added(draw)} WHERE id = {row}",
        lambda: f"UPDATE audit_log SET {_added(draw)} WHERE block_id = {block}",
        lambda: f"UPDATE audit_log SET block_id = {_block(draw, is_sqlite)} WHERE id = {row}",
        lambda: f"DELETE FROM audit_log WHERE id = {row}",
        lambda: _copy(draw, "audit_log", _NAMES, f"id = {row}", is_sqlite),
        lambda: _copy(draw, "audit_blocks", _names(audit_blocks), f"number = {block}", is_sqlite),
        lambda: _copy(draw, "audit_chain", _names(audit_chain), "id = 1", is_sqlite),
        lambda: _edit(draw, "audit_blocks", _names(audit_blocks), f"number = {block}", is_sqlite),
        lambda: _edit(draw, "audit_chain", _names(audit_chain), "id = 1", is_sqlite),
        lambda: f"DELETE FROM audit_blocks WHERE number = {block}",
        lambda: "DELETE FROM audit_chain",
        lambda: f"UPDATE audit_log SET id = {_ROWS + 1} - id WHERE block_id = {block}",
        lambda: f"UPDATE audit_blocks SET number = {_BLOCKS + 1} - number",
    ]
    return draw.choice(kinds)()


def _copy(draw: random.Random, table: str, names: list[str], where: str, is_sqlite: bool) -> str:
    """A row once more, a few of its values other ones."""
    changed = {name: _value(draw, is_sqlite) for name in draw.sample(names, draw.randint(0, 3))}
    if table == "audit_log" and draw.random() < 0.5:
        changed["block_id"] = _block(draw, is_sqlite)
    values = ", ".join(changed.get(name, f"`{name}`") for name in names)
    listed = ", ".join(f"`{name}`" for name in names)
    return f"INSERT INTO {table} ({listed}) SELECT {values} FROM {table} WHERE {where}"


def _edit(draw: random.Random, table: str, names: list[str], where: str, is_sqlite: bool) -> str:
    return f"UPDATE {table} SET `{draw.choice(names)}` = {_value(draw, is_sqlite)} WHERE {where}"


def _added(draw: random.Random) -> str:
    """What format 2 added, as a writer of either format or of a later one may have left it."""
    values = {"format": ["1", "2", "3"], "link_id": ["NULL", "''", "'a link'"]}
    values["trace_id"] = ["NULL", "''", f"'{'7' * 32}'", "link_id"]
    names = draw.sample(sorted(values), draw.randint(1, 3))
    return ", ".join(f"{name} = {draw.choice(values[name])}" for name in names)


def _value(draw: random.Random, is_sqlite: bool) -> str:
    """Something that every column takes."""
    common = ["NULL", "NULL", "0", "1", "-1", "7", "99"]
    odd = [
        "'x'",
        "''",
        "X'00'",
        "X'31'",
        "2.5",
        "'2'",
        "9223372036854775807",
        "-9223372036854775808",
        "1e300",
    ]
    return draw.choice([*common, *odd] if is_sqlite else common)


def _block(draw: random.Random, is_sqlite: bool) -> str:
    odd = ["'x'", "X'00'", "2.5", "0.5", "6.5", "9.5", "-0.5", "'3'", "1e300"] if is_sqlite else []
    return draw.choice(["NULL", "0", "-1", "-2", "1", "3", "6", "7", "99", *odd])


def _names(model: Any) -> list[str]:
    return [column.name for column in model.columns]


def _loosen(parts: Parts, table: Any) -> None:
    name, kept = table.name, f"kept_{table.name}"
    alter(parts, f"ALTER TABLE {name} RENAME TO {kept}")
    if parts.database.dialect.name == "sqlite":
        # A column without a type takes every kind of value as it comes.
        listed = ", ".join(f"`{column.name}`" for column in table.columns)
        alter(parts, f"CREATE TABLE {name} ({listed})", f"INSERT INTO {name} SELECT * FROM {kept}")
        alter(parts, *(["DROP INDEX ix_audit_log_block"] if name == "audit_log" else []))
    else:
        alter(parts, f"CREATE TABLE {name} AS SELECT * FROM {kept}")
        for column in rows_of(parts, f"SHOW FULL COLUMNS FROM {name}"):
            collation = f"COLLATE {column.Collation}" if column.Collation else ""
            alter(parts, f"ALTER TABLE {name} MODIFY `{column.Field}` {column.Type} {collation} NULL")
    if name == "audit_log":
        alter(parts, f"CREATE INDEX ix_audit_log_block ON {name} (block_id, id)")


def _put_back(parts: Parts) -> None:
    for table in _TABLES:
        alter(parts, f"DELETE FROM {table.name}", f"INSERT INTO {table.name} SELECT * FROM kept_{table.name}")

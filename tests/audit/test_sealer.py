"""The sealer seals every row once, in order, and hands it to the rollups in the same transaction."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, select, text

from filewallball.audit.sealer import BLOCK_ROWS, REFUSED, Sealer
from filewallball.audit.seals import Candidate, read_anchor, sealed_column, write_anchor
from filewallball.errors import AuditBroken
from filewallball.recording.audit_rows import CANONICAL
from filewallball.recording.event import Event
from filewallball.recording.tables import AuditRecord, audit_blocks, audit_log
from harness.parts import Parts, put_on_record, sealer_of_another_host
from tests.fixtures.audit_log import alter, make_event, rows_of

Record = Callable[..., list[Event]]


def test_canonical_rows_are_the_same_bytes_in_sql_and_in_python(
    parts: Parts, row_format: int, record: Record
) -> None:
    record(1)
    record(1, link_id="aZ:09=")
    record(1, link_id="é", trace_id="0" * 40)
    record(
        1,
        username="",
        user_agent="\U0010ffff 한국어 é",
        details='{"a":"x:y,10:"}',
        file_size=2**62,
        ip_address="",
    )
    record(1, ip_address="2001:db8::1", details="ü" * 30_000, duration_us=-1)
    record(1, username=":", user_agent="1:2:", resource_id="::", details='{"filename":"5:colon:"}')
    columns = [*audit_log.c]

    rows = rows_of(parts, select(*columns).order_by(audit_log.c.id))
    sealed = rows_of(parts, select(sealed_column(parts.database)).order_by(audit_log.c.id))

    candidates = [Candidate.read(row[0]) for row in sealed]
    assert [row.canonical for row in candidates] == [_canonical(row._mapping) for row in rows]
    assert all(map(parts.seals.is_genuine, candidates))
    none = {name: kind() for name, kind in AuditRecord.__annotations__.items()}
    assert [row.record()._asdict() for row in candidates] == [
        {name: row._mapping[name] or default for name, default in none.items()} for row in rows
    ]
    assert {row.format for row in rows} == {row_format}
    added = [("aZ:09=", None), ("\\xe9", "0" * 32)] if row_format == 2 else [(None, None)] * 2
    assert [(row.link_id, row.trace_id) for row in rows[1:3]] == added


def test_every_row_is_sealed_once_in_blocks_that_follow_each_other(parts: Parts, record: Record) -> None:
    record(BLOCK_ROWS + 5)

    assert parts.sealer.run() == BLOCK_ROWS + 5
    record(3)
    assert parts.sealer.run() == 3
    assert parts.sealer.run() == 0

    blocks = rows_of(parts, select(*audit_blocks.c).order_by(audit_blocks.c.number))
    assert [(block.number, block.row_count) for block in blocks] == [(1, BLOCK_ROWS), (2, 5), (3, 3)]
    assert len({block.seal for block in blocks}) == 3
    assert parts.sealer.count() == 0


def test_folds_see_each_row_once_and_their_work_stands_or_falls_with_the_seal(
    parts: Parts, record: Record
) -> None:
    seen: list[str] = []

    def rollup(connection: Connection, rows: Sequence[Any]) -> None:
        connection.execute(text("UPDATE audit_chain SET pruned = pruned + :n"), {"n": len(rows)})
        if not seen:
            seen.append("failed")
            raise RuntimeError("a rollup that fails")
        seen.extend(row.event_id for row in rows)

    parts.sealer.rollups += (rollup,)
    events = record(4)
    with pytest.raises(RuntimeError):
        parts.sealer.run()
    assert parts.sealer.count() == 4

    parts.sealer.run()

    assert seen == ["failed", *(event.event_id for event in events)]
    assert rows_of(parts, text("SELECT pruned FROM audit_chain")) == [(4,)]


def test_several_digests_at_once_seal_nothing_twice(
    parts: Parts, set_config: Callable[..., Flask], tmp_path: Path
) -> None:
    first, second = parts, Parts(set_config())
    events = [make_event(resource_id=str(index)) for index in range(300)]
    seen: list[str] = []
    for one in (first, second):
        one.sealer.rollups += (lambda _connection, rows: seen.extend(row.event_id for row in rows),)

    def write() -> None:
        for start in range(0, len(events), 10):
            put_on_record(first, events[start : start + 10])

    def seal(digest: Sealer) -> None:
        while writer.is_alive() or digest.count():
            digest.run()

    writer = threading.Thread(target=write)
    hosts = [
        sealer_of_another_host(one, tmp_path / f"host-{number}")
        for number, one in enumerate((first, second, first))
    ]
    threads = [threading.Thread(target=seal, args=(host,)) for host in hosts]
    for thread in (writer, *threads):
        thread.start()
    for thread in (writer, *threads):
        thread.join()

    blocks = rows_of(
        first, select(audit_blocks.c.number, audit_blocks.c.row_count).order_by(audit_blocks.c.number)
    )
    assert [block.number for block in blocks] == list(range(1, len(blocks) + 1))
    assert sum(block.row_count for block in blocks) == 300
    assert sorted(set(seen)) == sorted(event.event_id for event in events)


def test_a_row_that_vanishes_before_its_block_is_sealed_is_not_counted_in_it(
    parts: Parts, record: Record
) -> None:
    record(3)
    batch = parts.sealer._read()
    alter(parts, "DELETE FROM audit_log WHERE id = 2")

    assert parts.sealer._settle(batch) == 0
    assert parts.sealer.run() == 2

    assert rows_of(parts, text("SELECT number, row_count FROM audit_blocks")) == [(1, 2)]
    assert rows_of(parts, text("SELECT id, block_id FROM audit_log ORDER BY id")) == [(1, 1), (3, 1)]


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit_log SET username = 'mallory' WHERE id = 2",
        "UPDATE audit_log SET mac = '' WHERE id = 2",
        "UPDATE audit_log SET mac = 'é' WHERE id = 2",
        "UPDATE audit_log SET address = X'00' WHERE id = 2",
        "UPDATE audit_log SET ip_address = 'nobody' WHERE id = 2",
    ],
)
def test_rows_that_nobody_vouches_for_are_set_aside_and_do_not_hold_up_the_rest(
    parts: Parts, record: Record, caplog: pytest.LogCaptureFixture, forgery: str
) -> None:
    record(3)
    seen: list[int] = []
    parts.sealer.rollups += (lambda _connection, rows: seen.extend(row.id for row in rows),)
    alter(parts, forgery if parts.database.dialect.name == "sqlite" else forgery.replace("é", "e"))

    with caplog.at_level(logging.ERROR, "filewallball.audit"):
        parts.sealer.run()

    rows = rows_of(parts, text("SELECT id, block_id FROM audit_log ORDER BY id"))
    assert rows == [(1, 1), (2, REFUSED), (3, 1)]
    assert seen == [1, 3]
    assert [record.message for record in caplog.records] == ["Audit rows refused: their mac is wrong"]


def test_the_anchor_follows_the_head_and_stays_where_the_log_was_replaced(
    parts: Parts, record: Record
) -> None:
    path = parts.settings.data_dir / "audit-head"
    record(1)
    parts.sealer.run()
    first = read_anchor(path)
    assert first is not None
    assert first.number == 1

    write_anchor(path, type(first)(1, "0" * 64))
    record(1)
    parts.sealer.run()

    anchor = read_anchor(path)
    assert anchor is not None
    assert (anchor.number, anchor.seal) == (1, "0" * 64)


def test_a_host_with_another_key_than_the_log_refuses_nothing_for_good(
    parts: Parts, record: Record, set_config: Callable[..., Flask]
) -> None:
    stranger = Parts(set_config(AUDIT_SEAL_KEY="a key of at least thirty-two characters, of another host"))
    record(2)
    parts.sealer.run()
    record(3)

    with pytest.raises(AuditBroken, match="another key"):
        stranger.sealer.run()

    assert parts.sealer.run() == 3
    assert rows_of(parts, select(audit_blocks.c.row_count)) == [(2,), (3,)]


def test_a_second_head_row_does_not_stop_the_sealing(parts: Parts, record: Record) -> None:
    with parts.database.begin() as connection:
        connection.execute(text("INSERT INTO audit_chain (id, number, seal, pruned) VALUES (2, 7, '', 0)"))
    record(2)

    assert parts.sealer.run() == 2


def _canonical(row: Mapping[str, Any]) -> bytes:
    """Each field as `length:value`, the length in bytes of UTF-8; format 2 adds three, a `=` before what is there."""
    octets = [str(row[name]).encode() for name in CANONICAL]
    if row["format"] == 2:
        texts = ["" if row[name] is None else f"={row[name]}" for name in ("link_id", "trace_id")]
        octets += [b"2", *(text.encode() for text in texts)]
    return b"".join(b"%d:%b" % (len(value), value) for value in octets)

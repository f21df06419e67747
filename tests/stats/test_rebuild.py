"""Sums made again from the log are the sums that were there, and damage to any record is told."""

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from filewallball.clock import now_us
from filewallball.database.schema import downgrade, upgrade
from filewallball.database.tables import db
from filewallball.observability.counters import note_epoch
from filewallball.observability.metrics import Metrics
from filewallball.reconcile.statistics import disagreements
from filewallball.registry import part
from filewallball.stats.rebuild import Rebuild
from filewallball.stats.rollup import TABLES
from filewallball.stats.snapshot import Statistics
from harness.parts import Parts, put_on_record
from harness.shell import Shell
from tests.fixtures.audit_log import write_as_before
from tests.stats.agreement import check
from tests.stats.conftest import chance_event, make_event
from tests.stats.recount import all_rows

_DAY_US = 86_400_000_000


def test_a_rebuild_gives_the_same_sums(parts: Parts, statistics: Statistics) -> None:
    _fill(parts, 300)
    before = _sums(parts)
    _damage(parts)

    assert parts.rebuild.run() > 1

    _forget_inventory(before)
    assert _forget_inventory(_sums(parts)) == before
    put_on_record(parts, [chance_event(random.Random(1), now_us(), _DAY_US) for _ in range(20)])


def test_hours_that_retention_reached_stay_as_they_were(parts: Parts) -> None:
    _fill(parts, 200)
    before = _forget_inventory(_sums(parts))
    with parts.database.begin() as connection:
        middle = now_us() - _DAY_US
        connection.execute(text("UPDATE audit_blocks SET last_us = :at WHERE number = 1"), {"at": middle})
        connection.execute(text("UPDATE audit_chain SET pruned = 1"))
        connection.execute(text("DELETE FROM audit_log WHERE timestamp_us <= :at"), {"at": middle})

    parts.rebuild.run()

    assert _forget_inventory(_sums(parts)) == before


def test_hours_that_retention_prunes_during_a_rebuild_stay_as_they_were(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(parts, 100)
    before = _forget_inventory(_sums(parts))
    job, read = parts.rebuild, Rebuild._rows

    def prune_first(self: Rebuild, *conditions: Any) -> Any:
        with parts.database.begin() as connection:
            connection.execute(text("UPDATE audit_chain SET pruned = number"))
            connection.execute(text("DELETE FROM audit_log"))
        return read(self, *conditions)

    monkeypatch.setattr(Rebuild, "_rows", prune_first)
    job.run()

    assert _forget_inventory(_sums(parts)) == before


def test_a_log_older_than_its_sums_is_added_up_after_the_migration(
    app: Flask, parts: Parts, statistics: Statistics
) -> None:
    write_as_before(parts)
    _fill(parts, 50)
    with app.app_context():
        parts.database.close()
        downgrade(revision="0005")
        upgrade()
        db.engine.dispose()
    job = parts.rebuild

    job.run_if_incomplete()
    once = _sums(parts)
    job.run_if_incomplete()

    assert _sums(parts) == once
    assert sum(row[2] for row in once["usage_hourly"]) > 0


def test_the_books_agree_and_each_kind_of_damage_is_told(
    client: FlaskClient, parts: Parts, statistics: Statistics, environ: dict[str, str]
) -> None:
    kept = [_upload(client, f"note {number}".encode()) for number in range(3)]
    client.delete(f"/files/{kept[0]['file_id']}", headers={"X-Delete-Token": kept[0]["delete_token"]})
    client.get(f"/download/{kept[1]['file_id']}")
    client.get("/download/unknown")
    parts.shipper.flush()
    parts.sealer.run()

    shell = Shell(environ)
    assert shell.run("reconcile").count("ok") == 5
    for damage, name in {
        "UPDATE usage_hourly SET bytes = bytes + 1": "statistics and audit log",
        "UPDATE files SET state = 'deleted' WHERE state = 'live'": "audit log and files table",
        "UPDATE inventory SET files = files + 1": "statistics and files table",
        "UPDATE blobs SET refs = refs + 1": "files table and disk",
    }.items():
        with parts.database.begin() as connection:
            connection.execute(text(damage))
        assert name in _differing(parts)
    with parts.database.begin() as connection:
        connection.execute(text("UPDATE files SET state = 'live'"))
        connection.execute(text("DELETE FROM blobs"))
    with pytest.raises(RuntimeError, match=r"DIFFER  files table and disk: .*has no blob"):
        shell.run("reconcile", "--patience", "0")


def test_damage_to_any_table_of_sums_is_told_and_mended(parts: Parts, statistics: Statistics) -> None:
    _fill(parts, 80, span_us=_DAY_US // 24)
    logged = sum(row.count for row in parts.database.query(all_rows))
    for damage in (
        "UPDATE usage_hourly SET suspicious = suspicious + 1",
        "DELETE FROM usage_hourly WHERE hits > 0",
        "UPDATE latency_hourly SET count = count + 1",
        "UPDATE usage_client_daily SET bytes = bytes + 1",
        "UPDATE upload_errors_daily SET count = count + 1",
        "UPDATE daily_seen SET errors = errors + 1 WHERE kind = 'ip'",
        "DELETE FROM daily_seen WHERE kind = 'user'",
        "UPDATE daily_distinct SET count = count + 1",
    ):
        with parts.database.begin() as connection:
            connection.execute(text(damage))
        assert disagreements(parts.database)[1], damage
        parts.rebuild.run()
        assert disagreements(parts.database) == (logged, []), damage


def test_sums_of_a_client_that_was_never_there_are_told(parts: Parts, statistics: Statistics) -> None:
    _fill(parts, 10, span_us=1)
    stray = "SELECT '198.51.99.1', day, kind_id, 1, 0, 0, 0, 0, 0 FROM usage_client_daily LIMIT 1"
    with parts.database.begin() as connection:
        connection.execute(text(f"INSERT INTO usage_client_daily {stray}"))

    [found] = disagreements(parts.database)[1]

    assert found.startswith("uses by nobody on")


def test_metrics_agree_with_the_log_and_what_only_they_counted_is_told(
    set_config: Callable[..., Flask],
) -> None:
    app = set_config(RATELIMIT_API="1/minute", RATELIMIT_ENFORCE="false")
    parts, client = Parts(app), app.test_client()
    note_epoch(parts.settings.metrics_dir)
    _upload(client, b"a program, as its name has it", "invoice.pdf.exe")
    client.put("/upload/a.txt", data=b"words", headers={"Content-Digest": f"sha-256=:{'A' * 43}=:"})
    client.get("/files", headers={"Authorization": "Bearer fwb_nobody"})
    for _ in range(3):  # beyond the limit, which is watched only
        client.get("/files")

    assert _differing(parts) == []
    part(Metrics, parts.app).record(make_event(suspicious=True, cache="hit", file_size=5))
    [line] = [line for line in parts.reconciliation.lines() if not line.agrees]

    assert line.name == "metrics and audit log"
    assert "uploads success: 2 counted, 1 on record; suspicious uploads: 2 counted, 1 on record" in line.text


@pytest.mark.parametrize("loss", ["pruned", "restored"])
def test_metrics_are_not_held_against_a_log_that_lost_what_they_counted(parts: Parts, loss: str) -> None:
    note_epoch(parts.settings.metrics_dir)
    part(Metrics, parts.app).record(make_event())
    assert _differing(parts) == ["metrics and audit log"]

    if loss == "restored":
        put_on_record(parts, [make_event(action="backup:restore", resource_type="system", ip_address="")])
    else:
        _fill(parts, 1, span_us=1)
        with parts.database.begin() as connection:
            connection.execute(text("UPDATE audit_chain SET pruned = number"))

    [line] = [line for line in parts.reconciliation.lines() if line.name == "metrics and audit log"]
    assert line.agrees
    assert loss in line.text


def test_a_file_that_was_kept_after_the_last_pruned_hour_had_an_upload_that_began_before(
    client: FlaskClient, parts: Parts
) -> None:
    hour_us = 3_600_000_000
    _upload(client, b"a long upload")
    parts.sealer.run()
    with parts.database.begin() as connection:
        connection.execute(text("UPDATE audit_blocks SET last_us = :at"), {"at": now_us() - hour_us})
        connection.execute(text("UPDATE audit_chain SET pruned = number"))
        connection.execute(text("DELETE FROM audit_log"))

    assert "audit log and files table" not in _differing(parts)


def _differing(parts: Parts) -> list[str]:
    return [line.name for line in parts.reconciliation.lines() if not line.agrees]


def _upload(client: FlaskClient, content: bytes, name: str = "note.txt") -> dict[str, Any]:
    answer = client.post("/upload", data={"file": (io.BytesIO(content), name)})
    found: dict[str, Any] = answer.get_json()
    return found


def _fill(parts: Parts, count: int, span_us: int = 3 * _DAY_US) -> None:
    chance = random.Random(11)
    put_on_record(parts, [chance_event(chance, now_us(), span_us) for _ in range(count)])
    parts.sealer.run()


def _sums(parts: Parts) -> dict[str, list[tuple[Any, ...]]]:
    def work(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(table.select())) for table in TABLES
        }

    return parts.database.snapshot(work)


def _forget_inventory(sums: dict[str, Any]) -> dict[str, Any]:
    """It is rebuilt from the files table, where events that never were have left nothing."""
    sums.pop("inventory", None)
    return sums


def _damage(parts: Parts) -> None:
    with parts.database.begin() as connection:
        for statement in (
            "UPDATE usage_hourly SET count = count + 5",
            "DELETE FROM latency_hourly WHERE bucket > 200",
            "UPDATE usage_client_daily SET bytes = 0",
            "UPDATE daily_seen SET errors = 9",
            "DELETE FROM daily_distinct",
            "DELETE FROM upload_errors_daily",
        ):
            connection.execute(text(statement))


def test_views_agree_with_the_log_after_a_rebuild(parts: Parts, statistics: Statistics) -> None:
    _fill(parts, 120)
    check(parts, statistics, days=(3,))
    with parts.database.begin() as connection:
        connection.execute(
            text("DELETE FROM audit_log WHERE action = 'file:upload' OR action = 'file:delete'")
        )

    parts.rebuild.run()

    check(parts, statistics, days=(3,))

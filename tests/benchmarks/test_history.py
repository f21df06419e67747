"""The log that benchmarks fill in bulk is one that the service could have written."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from benchmarks.history import Size, make_history
from filewallball.recording.tables import audit_log
from filewallball.stats.rollup import TABLES
from harness.parts import Parts


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_a_log_filled_in_bulk_is_intact_and_has_the_sums_of_its_rows(app: Flask) -> None:
    parts = Parts(app)
    with parts.database.begin() as connection:
        connection.execute(delete(audit_log))

    make_history(parts, Size(rows=4001, clients=50, days=2))

    report = parts.verification.verifier().verify()
    assert (report.findings, report.rows, report.unsealed) == ([], 4001, 0)
    filled = _sums(parts)
    assert len(filled["usage_client_daily"]) > 1000
    parts.rebuild.run()
    assert _sums(parts) == filled


def _sums(parts: Parts) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the sealer keeps sums in."""
    return {table.name: sorted(map(tuple, parts.database.rows(select(*table.c)))) for table in TABLES}

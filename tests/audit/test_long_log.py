"""A log of 100,000 rows: it verifies whole, its filters count right, and cursors reach the far end."""

from collections.abc import Iterator

import pytest
from flask import Flask

from filewallball.audit.filters import AuditFilter
from filewallball.audit.queries import list_events
from filewallball.audit.sealer import Sealer
from filewallball.audit.totals import Totals
from filewallball.audit.verifier import Span
from filewallball.recording.event import Event
from filewallball.web import paging
from harness.parts import Parts, put_on_record
from tests.fixtures.audit_log import alter

ROWS = 100_000
START = 1_700_000_000_000_000
STEP = 10_000_000
ACTIONS = ("file:download", "file:upload", "file:view", "auth:fail")
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def long_log(app: Flask, parts: Parts) -> Parts:
    """The rows, all sealed; their statistics, which would take as long again, are left out."""
    put_on_record(parts, _events())
    rollups = (Totals(parts.database).rollup,)
    Sealer(parts.settings.data_dir, parts.database, parts.seals, rollups).run()
    return parts


def test_a_long_log_verifies_answers_and_is_walked_to_its_end(long_log: Parts) -> None:
    report = long_log.verification.verifier().verify()
    assert (report.is_intact, report.rows, report.blocks) == (True, ROWS, ROWS // 2000)

    middle = START + ROWS // 2 * STEP
    for wanted, expected in (
        (AuditFilter(), ROWS),
        (AuditFilter(action="file:upload"), ROWS // 4),
        (AuditFilter(action="read"), ROWS // 2),
        (AuditFilter(resource_type="system"), ROWS // 4),
        (AuditFilter(user_id=7), ROWS // 100),
        (AuditFilter(date_from=middle, status="denied"), ROWS // 8),
    ):
        page = list_events(long_log.database, wanted, size=3)
        assert page.total is not None
        assert (page.total.rows, page.total.is_lower_bound) == (expected, False), wanted
        assert [row.timestamp_us for row in page.rows] == sorted(
            (row.timestamp_us for row in page.rows), reverse=True
        )

    far = paging.encode(START + 4 * STEP, 1 << 60)
    last = list_events(long_log.database, AuditFilter(), cursor=far, size=500, with_total=False)
    assert [row.timestamp_us for row in last.rows] == [START + number * STEP for number in (4, 3, 2, 1, 0)]
    assert last.next_cursor is None

    alter(long_log, f"UPDATE audit_log SET file_size = 1 WHERE resource_id = '{ROWS - 1}'")
    again = long_log.verification.verifier().verify(Span(ROWS // 2000 - 1, None))
    assert [finding.block for finding in again.findings] == [ROWS // 2000]


def _events() -> Iterator[Event]:
    for number in range(ROWS):
        action = ACTIONS[number % 4]
        yield Event(
            event_id=f"{number:036d}",
            timestamp_us=START + number * STEP,
            action=action,
            resource_type="system" if action == "auth:fail" else "file",
            resource_id=str(number),
            status="denied" if action == "auth:fail" else "success",
            error_type="auth_unknown" if action == "auth:fail" else "",
            user_id=number % 100,
            ip_address=f"10.0.0.{number % 50}",
            file_type="text/plain",
            file_size=number,
            duration_us=1 + number,
        )

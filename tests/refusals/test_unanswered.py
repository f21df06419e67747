"""nginx's log of requests that the service never answered, read once it is back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from filewallball.recording.event import Event
from filewallball.refusals.unanswered import UnansweredLog
from harness.parts import Parts
from tests.fixtures.audit_log import rows_of

_ROWS = (
    "SELECT status, error_type, ip_address, request_id, count, resource_type, timestamp_us, details "
    "FROM audit_log WHERE action = 'http:refuse' ORDER BY id"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "nginx" / "unanswered.log"


@pytest.fixture
def reader(parts: Parts, log: Path) -> UnansweredLog:
    return make_reader(parts, log)


def make_reader(parts: Parts, log: Path) -> UnansweredLog:
    """A reader as another process of the same host has it."""
    log.parent.mkdir(exist_ok=True)
    ledger = parts.ledger
    state = parts.settings.data_dir / "nginx-log.json"
    return UnansweredLog(log, state, ledger.database, ledger.writer, ledger.listeners)


def line(number: int, **fields: Any) -> str:
    """A line as the shipped nginx writes it."""
    record = {
        "timestamp": "2026-01-15T10:30:00+09:00",
        "logger": "nginx",
        "request_id": f"req_{number:032x}",
        "client_ip": "192.0.2.7",
        "method": "POST",
        "path": "/upload",
        "status_code": 502,
        "user_agent": "curl/8",
    }
    return json.dumps({**record, **fields}) + "\n"


def add(log: Path, *lines: str) -> None:
    with log.open("a") as file:
        file.writelines(lines)


def shown(parts: Parts) -> Iterator[tuple[Any, ...]]:
    for row in rows_of(parts, _ROWS):
        details = json.loads(row.details)
        yield row.status, row.error_type, row.ip_address, row.count, details["method"], details["path"]


def test_what_one_run_saw_the_next_puts_on_record(parts: Parts, reader: UnansweredLog, log: Path) -> None:
    add(log, line(1))
    reader.run()
    assert rows_of(parts, _ROWS) == []

    reader.run()

    (row,) = rows_of(parts, _ROWS)
    assert (row.status, row.error_type, row.resource_type) == ("denied", "unavailable", "system")
    assert row.timestamp_us == 1_768_440_600_000_000
    assert json.loads(row.details) == {
        "source": "nginx",
        "method": "POST",
        "path": "/upload",
        "status_code": 502,
    }
    reader.run()
    assert len(rows_of(parts, _ROWS)) == 1


def test_equal_requests_of_one_client_are_one_row(parts: Parts, reader: UnansweredLog, log: Path) -> None:
    add(log, *(line(number) for number in range(20)))
    add(log, line(20, client_ip="2001:db8::1"), line(21, status_code=413), line(22, client_ip="nowhere"))
    reader.run()
    reader.run()

    assert sorted(shown(parts)) == [
        ("denied", "request_too_large", "192.0.2.7", 1, "POST", "/upload"),
        ("denied", "unavailable", "192.0.2.7", 20, "POST", "/upload"),
        ("denied", "unavailable", "2001:db8::1", 1, "POST", "/upload"),
        ("denied", "unavailable", "unknown", 1, "POST", "/upload"),
    ]


def test_the_trace_of_one_request_is_on_record_and_of_many_none(
    parts: Parts, reader: UnansweredLog, log: Path
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    add(log, line(1, trace_id=trace), line(2, trace_id="x" * 32, client_ip="192.0.2.8"))
    add(log, *(line(number, trace_id=trace, client_ip="192.0.2.9") for number in (3, 4)))
    add(log, line(5, trace_id=7, client_ip="192.0.2.10"))
    reader.run()
    reader.run()

    found = rows_of(parts, "SELECT ip_address, trace_id FROM audit_log ORDER BY id")
    assert [tuple(row) for row in found] == [
        ("192.0.2.7", trace),
        ("192.0.2.8", None),
        ("192.0.2.9", None),
        ("192.0.2.10", None),
    ]


def test_what_is_on_record_is_not_recorded_again(
    parts: Parts, reader: UnansweredLog, log: Path, record: Callable[..., list[Event]]
) -> None:
    record(request_id=f"req_{1:032x}", action="file:upload")
    add(log, line(1), line(2))
    reader.run()
    reader.run()

    assert [row.request_id for row in rows_of(parts, _ROWS)] == [f"req_{2:032x}"]


def test_a_run_that_was_interrupted_is_repeated_without_a_second_row(
    parts: Parts, reader: UnansweredLog, log: Path
) -> None:
    add(log, *(line(number) for number in range(5)))
    reader.run()
    state = parts.settings.data_dir / "nginx-log.json"
    before = state.read_bytes()
    reader.run()
    state.write_bytes(before)  # as if it had died after its transaction
    add(log, line(5))

    again = make_reader(parts, log)
    again.run()
    again.run()

    assert [row.count for row in rows_of(parts, _ROWS)] == [5, 1]


def test_probes_scrapes_and_lines_in_another_format_are_passed_over(
    parts: Parts, reader: UnansweredLog, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(log, *(line(1, path=path) for path in ("/health/live", "/health", "/metrics/")))
    add(
        log,
        "no JSON\n",
        "[]\n",
        "{}\n",
        line(2, timestamp="yesterday"),
        line(3, path=7),
        line(4, client_ip=None),
    )
    add(log, line(5, status_code="x"), line(6, status_code=200), line(7))
    reader.run()
    reader.run()

    assert [row.request_id for row in rows_of(parts, _ROWS)] == [f"req_{7:032x}"]
    assert "Lines of nginx's log are not in its format" in caplog.text


def test_a_line_that_has_not_ended_waits_for_its_end(parts: Parts, reader: UnansweredLog, log: Path) -> None:
    whole = line(2)
    add(log, line(1), whole[:30])
    reader.run()
    reader.run()
    assert len(rows_of(parts, _ROWS)) == 1
    add(log, whole[30:])
    reader.run()
    reader.run()

    assert [row.request_id for row in rows_of(parts, _ROWS)] == [f"req_{1:032x}", f"req_{2:032x}"]


def test_a_rotated_log_is_read_to_its_end_before_the_new_one(
    parts: Parts, reader: UnansweredLog, log: Path
) -> None:
    add(log, line(1))
    reader.run()
    reader.run()
    add(log, line(2))
    log.rename(log.with_name(f"{log.name}.1"))
    add(log, line(3))
    for _ in range(4):
        reader.run()

    assert [row.request_id for row in rows_of(parts, _ROWS)] == [f"req_{number:032x}" for number in (1, 2, 3)]


def test_half_a_line_at_the_end_of_a_rotated_log_keeps_nobody_from_the_new_one(
    parts: Parts, reader: UnansweredLog, log: Path
) -> None:
    add(log, line(1), line(2)[:30])
    reader.run()
    log.rename(log.with_name(f"{log.name}.1"))
    add(log, line(3))
    for _ in range(3):
        reader.run()

    assert [row.request_id for row in rows_of(parts, _ROWS)] == [f"req_{number:032x}" for number in (1, 3)]


def test_a_log_that_was_emptied_is_read_from_its_start(
    parts: Parts, reader: UnansweredLog, log: Path
) -> None:
    add(log, line(1), line(2))
    reader.run()
    reader.run()
    log.write_text(line(3))
    reader.run()
    reader.run()

    assert [row.count for row in rows_of(parts, _ROWS)] == [2, 1]


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b'{"inode":1,"more":2}'])
def test_an_unreadable_position_records_nothing_twice(
    parts: Parts, reader: UnansweredLog, log: Path, state: bytes
) -> None:
    add(log, line(1), line(2, client_ip="192.0.2.8"))
    reader.run()
    reader.run()
    (parts.settings.data_dir / "nginx-log.json").write_bytes(state)
    reader.run()
    reader.run()

    assert [row.count for row in rows_of(parts, _ROWS)] == [1, 1]


def test_a_long_log_is_recorded_piece_by_piece(
    parts: Parts, reader: UnansweredLog, log: Path, rounds: Callable[[int, int], int]
) -> None:
    count = rounds(12_000, 200_000)
    add(log, *(line(number) for number in range(count)))
    reader.run()
    reader.run()

    rows = rows_of(parts, _ROWS)
    assert sum(row.count for row in rows) == count
    assert len(rows) > 1


def test_without_a_log_nothing_happens(parts: Parts, reader: UnansweredLog) -> None:
    reader.run()
    reader.run()

    assert rows_of(parts, _ROWS) == []

"""Checks run side by side, are shared, and one that hangs costs one thread and a bounded wait."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from filewallball.errors import StorageFailed
from filewallball.health.checks import (
    DEGRADED,
    DISABLED,
    HEALTHY,
    UNHEALTHY,
    Check,
    CheckResult,
    HealthChecks,
    worst,
)
from harness.waiting import wait_until


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Lets a hanging probe go on; opened at the end in any case."""
    event = threading.Event()
    yield event
    event.set()


def test_what_is_not_configured_is_disabled_and_never_run() -> None:
    board = HealthChecks(5)
    board.add(Check("redis", None))

    assert board.look() == {"redis": CheckResult(DISABLED)}


def test_a_probe_that_answers_is_healthy_with_what_it_saw_and_how_long_it_took() -> None:
    board = HealthChecks(5)
    board.add(Check("database", lambda: {"connections": 5}, critical=True))

    reading = board.look()["database"]

    assert reading.status == HEALTHY
    assert reading.details == {"connections": 5}
    assert reading.seconds is not None


@pytest.mark.parametrize(("critical", "status"), [(True, UNHEALTHY), (False, DEGRADED)])
def test_a_probe_that_raises_is_as_bad_as_its_dependency_matters(critical: bool, status: str) -> None:
    board = HealthChecks(5)
    board.add(Check("storage", _raise, critical=critical))

    reading = board.look()["storage"]

    assert (reading.status, reading.error) == (status, "gone")


def test_an_unforeseen_error_shows_its_kind_and_nothing_of_its_text() -> None:
    board = HealthChecks(5)
    board.add(Check("redis", _fail))

    assert board.look()["redis"].error == "KeyError"


def test_a_problem_that_a_probe_reports_degrades_even_a_critical_dependency() -> None:
    board = HealthChecks(5)
    board.add(Check("storage", lambda: {"problem": "nearly full", "free": 1}, critical=True))

    reading = board.look()["storage"]

    assert (reading.status, reading.error, reading.details) == (DEGRADED, "nearly full", {"free": 1})


def test_a_result_is_shared_while_it_is_fresh() -> None:
    calls: list[int] = []

    def probe() -> dict[str, object]:
        calls.append(1)
        return {}

    board = HealthChecks(5)
    board.add(Check("database", probe, share_seconds=3600))

    board.look()
    board.look()

    assert len(calls) == 1


def test_many_callers_at_once_cause_one_run(gate: threading.Event) -> None:
    calls: list[int] = []

    def probe() -> dict[str, object]:
        calls.append(1)
        gate.wait()
        return {}

    board = HealthChecks(3600)
    board.add(Check("database", probe))
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(board.look) for _ in range(8)]
        wait_until(lambda: calls, 60, "the probe runs")
        gate.set()
        statuses = {answer.result()["database"].status for answer in answers}

    assert statuses == {HEALTHY}
    assert len(calls) == 1


def test_a_hung_check_is_reported_with_its_age_and_is_not_waited_for_again(gate: threading.Event) -> None:
    board = HealthChecks(0.2)
    board.add(Check("database", lambda: {"late": gate.wait()}, critical=True))
    board.add(Check("redis", dict))
    first = board.look()
    before = threading.active_count()

    began = time.monotonic()
    for _ in range(50):
        again = board.look()
    waited = time.monotonic() - began

    assert first["database"].status == again["database"].status == UNHEALTHY
    assert "no answer for" in again["database"].error
    assert first["redis"].status == HEALTHY
    # Fifty waits of 0.2 s each would be ten seconds.
    assert waited < 10
    assert threading.active_count() <= before + 1


def test_a_check_that_hung_recovers_by_itself(gate: threading.Event) -> None:
    board = HealthChecks(0.2)
    board.add(Check("storage", lambda: {"answered": gate.wait()}, critical=True, share_seconds=0))
    assert board.look()["storage"].status == UNHEALTHY

    gate.set()

    wait_until(lambda: board.look()["storage"].status == HEALTHY, 60, "the check recovers")


def test_an_answer_after_the_timeout_is_a_failure(gate: threading.Event) -> None:
    board = HealthChecks(0.05)
    board.add(Check("storage", lambda: {"answered": gate.wait()}, critical=True, share_seconds=3600))
    wait_until(lambda: (board.look()["storage"].seconds or 0) > 2, 60, "the check is far beyond its time")

    gate.set()

    wait_until(lambda: "answered after" in board.look()["storage"].error, 60, "the late answer is in")
    assert board.look()["storage"].status == UNHEALTHY


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], HEALTHY),
        ([DISABLED, DISABLED], HEALTHY),
        ([HEALTHY, DISABLED], HEALTHY),
        ([HEALTHY, DEGRADED, DISABLED], DEGRADED),
        ([UNHEALTHY, DEGRADED], UNHEALTHY),
    ],
)
def test_the_whole_is_as_well_as_its_worst_part(statuses: list[str], whole: str) -> None:
    assert worst([CheckResult(status) for status in statuses]) == whole


def _fail() -> dict[str, object]:
    raise KeyError("/secret/path")


def _raise() -> dict[str, object]:
    raise StorageFailed("gone")

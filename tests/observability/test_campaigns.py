"""Under kills, reloads and upgrades no scrape fails, no counter falls, and the totals are what clients were told."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
import pytest

from harness.servers import Service
from harness.waiting import wait_until
from tests.observability.campaign import Scraper, Transfers
from tests.observability.scrape import Samples, exemplars_of, total_of, value_of

pytestmark = pytest.mark.soak
Start = Callable[..., Service]
Rounds = Callable[[int, int], int]
WORKERS = 4
FAMILIES = {
    "file:upload": ("file_upload_duration_seconds", "upload_commit_duration_seconds"),
    "file:download": ("file_download_duration_seconds",),
}
KINDS = 3  # counter, histogram, live gauge
SETTINGS = {"MAX_REQUESTS": "50", "THREADS": "4"}


def uploads(samples: Samples) -> float:
    return total_of(samples, "file_uploads_total", status="success")


def downloads(samples: Samples) -> float:
    return total_of(samples, "file_downloads_total")


def settled(scraper: Scraper) -> Samples:
    """The samples of a scrape once nothing but the scrape itself is in progress."""

    def is_quiet() -> bool:
        scraper.scrape()
        return value_of(scraper.last, "active_connections") == 1

    wait_until(is_quiet, 60, "a quiet service")
    return scraper.last


def assert_sound(scraper: Scraper) -> None:
    assert scraper.failures == []
    assert scraper.decreases == []


@pytest.mark.slow
def test_totals_survive_a_storm_of_kills(service: Start, rounds: Rounds) -> None:
    server = service(SETTINGS, workers=WORKERS)
    scraper, kills = Scraper(server), 0
    with scraper.watching(), Transfers(server, rounds(2000, 10_000)) as load:
        while load.is_running():
            wait_for_work(load, 20)
            with suppress(IndexError, psutil.Error, ProcessLookupError, TimeoutError):
                server.kill_worker()
                kills += 1
    samples = settled(scraper)
    assert_sound(scraper)
    assert kills >= 5
    assert scraper.cut_off <= kills
    lost = load.ledger["upload lost"] + load.ledger["download lost"]
    assert set(load.ledger) <= {"upload done", "download done", "upload lost", "download lost"}
    assert load.ledger["upload done"] <= uploads(samples) <= load.ledger["upload done"] + lost
    # A download is counted when its last byte has left: a worker may die in between.
    assert abs(downloads(samples) - load.ledger["download done"]) <= lost + kills
    assert scraper.most_files <= (WORKERS + 1) * KINDS  # the jobs process has files too
    assert exemplars_with_their_rows(server) >= 2


@pytest.mark.slow
def test_totals_are_exact_through_reloads(service: Start, rounds: Rounds) -> None:
    server = service(SETTINGS, workers=WORKERS)
    scraper = Scraper(server)
    with scraper.watching(), Transfers(server, rounds(600, 10_000)) as load:
        while load.is_running():
            server.reload()
            wait_for_work(load, 100)
    samples = settled(scraper)
    assert_sound(scraper)
    assert set(load.ledger) == {"upload done", "download done"}
    assert uploads(samples) == load.ledger["upload done"]
    assert downloads(samples) == load.ledger["download done"]
    assert scraper.most_files <= 2 * (WORKERS + 1) * KINDS  # the jobs have a process too


def test_totals_are_exact_through_an_upgrade_of_the_master(service: Start, rounds: Rounds) -> None:
    server = service(SETTINGS, workers=WORKERS)
    scraper = Scraper(server)
    with scraper.watching(), Transfers(server, rounds(600, 10_000)) as load:
        old = psutil.Process(server.master_pid)
        os.kill(old.pid, signal.SIGUSR2)
        new = wait_until(lambda: second_master(old), 60, "the new master") or old
        wait_until(lambda: len(new.children()) == WORKERS, 60, "the new workers")
        old.terminate()
        assert server.wait(60) == 0
    samples = settled(scraper)
    assert_sound(scraper)
    assert value_of(samples, "counters_start_time_seconds") < value_of(samples, "process_start_time_seconds")
    assert set(load.ledger) == {"upload done", "download done"}
    assert uploads(samples) == load.ledger["upload done"]
    assert downloads(samples) == load.ledger["download done"]
    assert scraper.most_files <= 2 * (WORKERS + 1) * KINDS  # the jobs have a process too


def exemplars_with_their_rows(server: Service) -> int:
    """The number of exemplars; each one's request is on record, with a duration inside its bucket."""
    token = (server.data_dir / "admin-token").read_text().strip()
    text = server.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text"}).text
    found = exemplars_of(text)
    for exemplar in found:
        rows = wait_until(lambda: rows_of(server, token, exemplar.labels), 60, "the row")  # noqa: B023
        assert rows is not None
        (row,) = rows
        assert exemplar.family in FAMILIES[row["action"]]
        assert exemplar.labels["trace_id"] == row["trace_id"]
        # The row's duration ends before the commit, which the family that times it includes.
        if exemplar.family != "upload_commit_duration_seconds":
            assert exemplar.low < row["duration_ms"] / 1000 <= exemplar.high
        assert (row["status"], row["count"]) == ("success", 1)
    return len(found)


def rows_of(server: Service, token: str, labels: dict[str, str]) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    rows: list[dict[str, Any]] = server.request(
        "GET", "/api/v1/audit/logs", params=labels, headers=headers
    ).json()["logs"]
    return rows


def wait_for_work(load: Transfers, answers: int) -> None:
    """At least a second, and so many answers: a busy machine must not be kept from ever booting a worker."""
    threading.Event().wait(1)
    before = load.answered
    wait_until(lambda: load.answered >= before + answers or not load.is_running(), 120, "answers")


def second_master(master: psutil.Process) -> psutil.Process | None:
    """The child that was told whom it succeeds."""
    with suppress(psutil.NoSuchProcess):  # workers come and go meanwhile
        return next((child for child in master.children() if "GUNICORN_PID" in child.environ()), None)
    return None

"""A live service under load whose workers are killed: statistics stay a recount of the log, and all records agree."""

from collections.abc import Callable
from functools import partial

from flask import Flask

from harness.parts import Parts
from harness.servers import Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN, SEAL_KEY
from tests.stats.agreement import check
from tests.stats.mixture import Mixture


def test_books_agree_after_workers_and_digests_died_under_load(
    service: Callable[..., Service],
    set_config: Callable[..., Flask],
    database_url: str,
    rounds: Callable[[int, int], int],
) -> None:
    keys = {"ADMIN_TOKEN": ADMIN_TOKEN, "AUDIT_SEAL_KEY": SEAL_KEY}
    proxies = {"TRUSTED_PROXIES": "127.0.0.1/32"}
    server = service({"DATABASE_URL": database_url, "MIN_FREE_SPACE": "0", **keys, **proxies})
    app = set_config()
    parts, statistics = Parts(app), Parts(app).statistics

    with Mixture(server) as load:
        for killed in range(1, rounds(3, 100) + 1):
            wait_until(lambda: len(server.worker_pids()) == 2, what="both workers run")
            wait_until(partial(_went_on, load, killed * 20), what="the load goes on")
            check(parts, statistics, days=(1,))
            server.kill_worker()
        wait_until(partial(_went_on, load, 120), what="enough was done to be counted", seconds=60)
    wait_until(lambda: len(server.worker_pids()) == 2, what="both workers run")
    server.cli("maintain", "--once")

    books = server.cli("reconcile").splitlines()

    assert [line[:6].strip() for line in books] == ["ok"] * 5, books
    assert check(parts, statistics) > 40
    before = server.request("GET", "/api/v1/upload/errors").json()
    assert "Rebuilt" in server.cli("stats", "rebuild")
    assert server.request("GET", "/api/v1/upload/errors").json() == before
    check(parts, statistics)


def _went_on(load: Mixture, attempts: int) -> bool:
    return load.attempts > attempts

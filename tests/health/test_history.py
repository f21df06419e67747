"""The history of health: one row a change, however many processes look, and nothing is lost with the database away."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from filewallball.clock import now_us
from filewallball.health.checks import Check, HealthChecks
from filewallball.health.history import KEPT_US, HealthHistory
from harness.parts import Parts
from tests.fixtures.audit_log import alter

URL = "/api/v1/health/history"


class Dependency:
    """A dependency that works until it is told otherwise."""

    def __init__(self) -> None:
        self.problem = ""

    def probe(self) -> dict[str, Any]:
        if self.problem == "dead":
            raise ConnectionError
        return {"problem": self.problem} if self.problem else {}


@pytest.fixture
def redis() -> Dependency:
    return Dependency()


@pytest.fixture
def make_history(app: Flask, redis: Dependency) -> Callable[..., HealthHistory]:
    """Builds what a process of a host has: its own checks of one dependency, and the history."""

    def make(host: str = "one") -> HealthHistory:
        checks = HealthChecks(5.0)
        checks.add(Check("redis", redis.probe, share_seconds=0))
        checks.add(Check("backup_service", None))
        return HealthHistory(Parts(app).database, checks, host)

    return make


def told(client: FlaskClient, **query: Any) -> list[tuple[str, str, str, str]]:
    found, cursor = [], ""
    while cursor is not None:
        answer = client.get(URL, query_string={"cursor": cursor, **query})
        assert answer.status_code == 200, answer.get_json()
        page = answer.get_json()
        found += [(row["host"], row["dependency"], row["status"], row["error"]) for row in page["changes"]]
        cursor = page["next_cursor"]
    return found


def test_each_change_is_one_row_however_many_processes_look(
    client: FlaskClient, make_history: Callable[..., HealthHistory], redis: Dependency
) -> None:
    first, second = make_history(), make_history()
    for problem in ("", "", "slow", "slow", "dead", ""):
        redis.problem = problem
        for history in (first, second, first):
            history.run()

    assert told(client, dependency="redis", limit=1) == [
        ("one", "redis", "healthy", ""),
        ("one", "redis", "degraded", "slow"),
        ("one", "redis", "healthy", ""),
    ]
    assert [row[2] for row in told(client, dependency="service")] == ["healthy", "degraded", "healthy"]
    assert told(client, dependency="backup_service") == []
    assert len(told(client)) == 6


def test_hosts_see_for_themselves(
    client: FlaskClient, make_history: Callable[..., HealthHistory], redis: Dependency
) -> None:
    make_history("one").run()
    redis.problem = "slow"
    make_history("two").run()

    assert [row[::2] for row in told(client, dependency="redis")] == [("two", "degraded"), ("one", "healthy")]


def test_what_happens_while_the_database_is_away_is_written_once_it_is_back(
    app: Flask, client: FlaskClient, make_history: Callable[..., HealthHistory], redis: Dependency
) -> None:
    history = make_history()
    history.run()
    alter(Parts(app), "ALTER TABLE health_changes RENAME TO away")
    for problem in ("slow", ""):
        redis.problem = problem
        with pytest.raises(Exception, match="health_changes"):
            history.run()
    alter(Parts(app), "ALTER TABLE away RENAME TO health_changes")

    history.run()

    assert [row[2] for row in told(client, dependency="redis")] == ["healthy", "degraded", "healthy"]


def test_a_change_is_written_though_no_connection_was_free_to_ask_for_the_last_one(
    app: Flask,
    client: FlaskClient,
    make_history: Callable[..., HealthHistory],
    redis: Dependency,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_none_free(_: object) -> None:
        raise PoolTimeout

    history = make_history()
    history.run()
    redis.problem = "slow"
    with monkeypatch.context() as busy:
        busy.setattr(Parts(app).database, "query", find_none_free)
        history.run()

    assert [row[2] for row in told(client, dependency="redis")] == ["degraded", "healthy"]


def test_a_process_that_began_without_the_database_writes_no_state_twice(
    app: Flask, client: FlaskClient, make_history: Callable[..., HealthHistory]
) -> None:
    make_history().run()
    young = make_history()
    alter(Parts(app), "ALTER TABLE health_changes RENAME TO away")
    with pytest.raises(Exception, match="health_changes"):
        young.run()
    alter(Parts(app), "ALTER TABLE away RENAME TO health_changes")

    young.run()

    assert [row[2] for row in told(client)] == ["healthy", "healthy"]


def test_old_changes_are_forgotten_but_not_the_state_that_lasts(
    app: Flask, client: FlaskClient, make_history: Callable[..., HealthHistory], redis: Dependency
) -> None:
    history = make_history()
    for problem in ("slow", ""):
        redis.problem = problem
        history.run()
    with Parts(app).database.begin() as connection:
        connection.execute(
            text("UPDATE health_changes SET changed_us = :old"), {"old": now_us() - KEPT_US - 1}
        )

    history.forget_old(now_us())

    assert [row[2] for row in told(client, dependency="redis")] == ["healthy"]


def test_who_may_read_it(set_config: Callable[..., Flask]) -> None:
    statuses = {
        role: set_config(ANONYMOUS_ROLE=role)
        .test_client()
        .get(URL, environ_base={"REMOTE_ADDR": "198.51.100.9"})
        .status_code
        for role in ("guest", "user", "monitor")
    }

    assert statuses == {"guest": 401, "user": 401, "monitor": 200}


@pytest.mark.parametrize("query", ["cursor=junk", "limit=0", "limit=501", "state=1"])
def test_what_is_no_page_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"{URL}?{query}").status_code == 422

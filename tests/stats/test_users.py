"""The users that metrics name: the busiest of today and those nearest to their quotas, never more than 50 of each."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from filewallball.access.tables import quotas, users
from filewallball.clock import now_us
from filewallball.observability.vocabulary import MAX_USERS
from filewallball.registry import part
from filewallball.stats.calendar import DAY_HOURS, HOUR_US, day_of
from filewallball.stats.tables import daily_seen
from filewallball.stats.tally import CLIENT, USER
from filewallball.stats.users import TopUsers, UserUse
from harness.parts import Parts
from tests.stats.conftest import Record

MANY = 120
_FAMILIES = ("user_transferred_bytes", "user_operations", "user_quota_used_ratio")


@pytest.fixture
def top(parts: Parts) -> TopUsers:
    """The users that this process would name."""
    return part(TopUsers, parts.app)


def test_operations_failures_and_bytes_of_today_are_told_by_user(
    top: TopUsers, parts: Parts, record: Record
) -> None:
    record(3, user_id=7, file_size=100)
    record(2, user_id=7, status="failed", error_type="file_too_large", file_size=100)
    record(user_id=8, status="denied", error_type="rate_limited")
    record(5, user_id=0, file_size=9)
    record(user_id=9, file_size=50, timestamp_us=now_us() - DAY_HOURS * HOUR_US)
    parts.sealer.run()

    top.refresh()

    assert top.latest == UserUse({"7": 300}, {"7": 5, "8": 1}, {"7": 2}, {})


def test_a_scrape_names_the_busiest_alone_and_says_what_the_job_read(
    top: TopUsers, parts: Parts, client: FlaskClient
) -> None:
    day = day_of(now_us())
    rows = [
        {
            "day": day,
            "kind": USER,
            "key": str(number),
            "count": number,
            "bytes": 10 * number,
            "errors": number // 2,
        }
        for number in range(1, MANY + 1)
    ]
    rows += [{**rows[-1], "kind": CLIENT}, {**rows[-1], "day": day - 1, "key": "1000"}]
    with parts.database.begin() as connection:
        connection.execute(insert(daily_seen), rows)
        connection.execute(insert(quotas), [_quota(f"user:{n}", n, MANY) for n in range(1, MANY + 1)])
    top.refresh()

    found = dict(_series(client.get("/metrics").get_data(as_text=True)))

    assert len(found) == MAX_USERS * 4
    assert found[f'user_transferred_bytes{{user_id="{MANY}"}}'] == 10 * MANY
    assert found[f'user_operations{{outcome="all",user_id="{MANY}"}}'] == MANY
    assert found[f'user_operations{{outcome="failed",user_id="{MANY}"}}'] == MANY // 2
    assert found[f'user_quota_used_ratio{{user_id="{MANY}"}}'] == 1
    least = MANY - MAX_USERS + 1
    assert f'user_operations{{outcome="all",user_id="{least}"}}' in found
    assert f'user_operations{{outcome="all",user_id="{least - 1}"}}' not in found


def test_shares_are_of_the_fuller_quota_of_users_that_have_one(top: TopUsers, parts: Parts) -> None:
    with parts.database.begin() as connection:
        found = connection.execute(
            insert(users).values(username="gone", role="user", created_us=1, disabled_us=2)
        ).inserted_primary_key
        assert found is not None
        connection.execute(
            insert(quotas),
            [
                _quota("user:1001", 90, 100, files=1, most_files=10),
                _quota("user:1002", 10, 100, files=9, most_files=10),
                _quota("user:1003", 10, 0, files=3, most_files=12),
                _quota("user:1004", 10, None),
                _quota("user:1005", 10, 0, files=9, most_files=0),
                _quota("user:1006", 0, 100, files=-1),
                _quota("192.0.2.1", 99, 100),
                _quota(f"user:{found[0]}", 99, 100),
            ],
        )
    top.refresh()
    assert top.latest.quotas == {"1001": 0.9, "1002": 0.9, "1003": 0.25}

    with parts.database.begin() as connection:
        connection.execute(update(users).where(users.c.id == found[0]).values(disabled_us=None))
    top.refresh()
    assert top.latest.quotas[str(found[0])] == 0.99


def _quota(
    principal: str, used: int, most: int | None, files: int = 1, most_files: int | None = None
) -> dict[str, object]:
    return {
        "principal": principal,
        "used_bytes": used,
        "used_files": files,
        "limit_bytes": most,
        "limit_files": most_files,
    }


def _series(text: str) -> Iterator[tuple[str, float]]:
    for name, value in re.findall(rf"^((?:{'|'.join(_FAMILIES)}){{.*}}) (\S+)$", text, re.MULTILINE):
        yield name, float(value)

"""RateLimit fields and the problem type of the IETF's draft: on every counted answer, true to the count."""

from typing import Any

import pytest
from flask import Flask
from http_sfv import List  # type: ignore[attr-defined]

from harness.parts import Parts
from harness.servers import Redis
from tests.access.people import Build, client_of, new_token

ADDRESS = "203.0.113.7"
STRATEGIES = ["fixed-window", "sliding-window-counter", "moving-window"]


def items(value: str) -> dict[str, dict[str, Any]]:
    """The members of a structured list by their names."""
    found = List()
    found.parse(value.encode())
    return {item.value: dict(item.params) for item in found}


def told(answer: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return items(answer.headers["RateLimit-Policy"]), items(answer.headers["RateLimit"])


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("store", ["host", "redis"])
def test_an_answer_within_the_limit_says_what_is_left(
    build: Build, redis_server: Redis, store: str, strategy: str
) -> None:
    redis = {"REDIS_URL": redis_server.url} if store == "redis" else {}
    client = client_of(build(RATELIMIT_API="3/day", RATELIMIT_STRATEGY=strategy, **redis), address=ADDRESS)

    for left in (2, 1, 0):
        policies, limits = told(client.get("/files"))
        assert policies == {"api": {"q": 3, "w": 86400}}
        assert limits["api"]["r"] == left
        assert 1 <= limits["api"]["t"] <= 86400


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_first_answer_by_redis_says_that_a_whole_window_is_to_come(
    build: Build, redis_server: Redis, strategy: str
) -> None:
    options = {"RATELIMIT_STRATEGY": strategy, "REDIS_URL": redis_server.url}
    client = client_of(build(RATELIMIT_API="30/day", **options), address=ADDRESS)

    told_seconds = [told(client.get("/files"))[1]["api"]["t"] for _ in range(20)]

    assert 86_000 < min(told_seconds) <= max(told_seconds) <= 86_400


def test_a_refusal_names_the_policy_and_keeps_its_code(build: Build) -> None:
    client = client_of(build(RATELIMIT_API="1/hour"), address=ADDRESS)
    client.get("/files")

    answer = client.get("/files")

    problem, (policies, limits) = answer.get_json(), told(answer)
    assert answer.status_code == 429
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert (problem["code"], problem["violated-policies"]) == ("rate_limited", ["api"])
    assert policies == {"api": {"q": 1, "w": 3600}}
    assert limits == {"api": {"r": 0, "t": int(answer.headers["Retry-After"])}}
    assert [answer.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining")] == ["1", "0"]
    assert answer.headers["RateLimit-Reset"] == answer.headers["Retry-After"]


def test_several_limits_are_all_listed_and_the_violated_one_named(build: Build) -> None:
    client = client_of(build(RATELIMIT_UPLOAD="5/hour;1 per 2 day"), address=ADDRESS)
    first, second = (client.put("/upload/a.txt", data=b"words") for _ in range(2))

    policies = {
        "upload-5-per-hour": {"q": 5, "w": 3600},
        "upload-1-per-2-day": {"q": 1, "w": 172800},
    }
    assert told(first)[0] == told(second)[0] == policies
    assert {name: limit["r"] for name, limit in told(first)[1].items()} == {
        "upload-5-per-hour": 4,
        "upload-1-per-2-day": 0,
    }
    assert second.get_json()["violated-policies"] == ["upload-1-per-2-day"]


def test_wrong_credentials_are_told_how_many_more_are_looked_at(build: Build) -> None:
    app = build(RATELIMIT_AUTH="2/hour", RATELIMIT_API="9/hour")
    bad, good = client_of(app, "fwb_" + "x" * 43, ADDRESS), client_of(app, new_token(app, "alice"), ADDRESS)
    assert set(told(good.get("/files"))[1]) == {"api"}, "they do not concern who has right ones"

    answers = [bad.get("/files") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert [told(answer)[1]["auth"]["r"] for answer in answers] == [1, 0, 0]
    assert answers[-1].get_json()["violated-policies"] == ["auth"]


@pytest.mark.parametrize("path", ["/nowhere", "/docs", "/"])
def test_requests_that_are_no_operation_are_told_too(build: Build, path: str) -> None:
    answer = client_of(build(RATELIMIT_API="9/hour"), address=ADDRESS).get(path)

    assert told(answer)[1]["api"]["r"] == 8


def test_no_answer_tells_of_limits_that_do_not_hold(build: Build) -> None:
    unlimited = client_of(build(RATELIMIT_AUTH="off"), address=ADDRESS)
    watched = client_of(build(RATELIMIT_API="1/hour", RATELIMIT_ENFORCE="false"), address=ADDRESS)
    limited = client_of(build(RATELIMIT_API="1/hour"), address=ADDRESS)

    answers = [
        unlimited.get("/files"),
        *(watched.get("/files") for _ in range(2)),
        limited.get("/health/live"),
    ]

    assert not any("RateLimit" in str(answer.headers) for answer in answers)


def test_what_nginx_refuses_by_itself_claims_no_policy(build: Build) -> None:
    app = build(RATELIMIT_API="1/hour", TRUSTED_PROXIES="192.0.2.1/32")
    answer = client_of(app, address="192.0.2.1").get("/_refused/429", headers={"X-Forwarded-For": ADDRESS})

    problem = answer.get_json()
    assert (answer.status_code, problem["code"], problem["type"]) == (
        429,
        "rate_limited",
        "/docs/errors#rate_limited",
    )
    assert "violated-policies" not in problem
    assert "RateLimit" not in str(answer.headers)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_redis_is_asked_once_for_each_limit(build: Build, redis_server: Redis, strategy: str) -> None:
    options = {"RATELIMIT_STRATEGY": strategy, "REDIS_URL": redis_server.url, "AUTOBLOCK_LIMITS": "off"}
    app = build(RATELIMIT_API="3/day", **options)
    client = client_of(app, address=ADDRESS)
    client.get("/files")
    with redis_server.client() as redis:
        before = redis.info("commandstats")["cmdstat_exec"]["calls"]
        assert [client.get("/files").status_code for _ in range(4)] == [200, 200, 429, 429]
        assert redis.info("commandstats")["cmdstat_exec"]["calls"] - before == 4
        assert Parts(app).gate.limits.are_shared


def test_the_description_of_the_api_has_the_violated_policies(build: Build) -> None:
    app: Flask = build()
    problem = client_of(app).get("/openapi.json").get_json()["components"]["schemas"]["Problem"]

    assert problem["properties"]["violated-policies"]["items"] == {"type": "string"}

"""Limits: decided before the body is read, on record, counted by network, and never a reason for a 500."""

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.recording.event import Event
from harness.parts import Parts
from harness.servers import Redis
from tests.access.people import Build, client_of, events, new_token
from tests.conftest import ADMIN_TOKEN

ADDRESS = "203.0.113.7"
PROXY = "192.0.2.1"


def statuses(client: FlaskClient, times: int, path: str = "/files") -> list[int]:
    return [client.get(path).status_code for _ in range(times)]


@pytest.mark.parametrize("strategy", ["fixed-window", "sliding-window-counter", "moving-window"])
def test_a_limit_lets_exactly_so_many_through(build: Build, strategy: str) -> None:
    client = client_of(build(RATELIMIT_API="3/hour", RATELIMIT_STRATEGY=strategy), address=ADDRESS)

    assert statuses(client, 5) == [200, 200, 200, 429, 429]


def test_a_refusal_says_when_and_why(build: Build) -> None:
    client = client_of(build(RATELIMIT_API="1/hour"), address=ADDRESS)
    statuses(client, 1)

    answer = client.get("/files")

    assert answer.get_json()["code"] == "rate_limited"
    assert "1 per 1 hour" in answer.get_json()["detail"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert answer.headers["RateLimit-Limit"] == "1"
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert answer.headers["RateLimit-Policy"] == '"api";q=1;w=3600'


def test_each_kind_of_request_has_a_limit_of_its_own(build: Build) -> None:
    app = build(RATELIMIT_UPLOAD="1/hour", RATELIMIT_DOWNLOAD="1/hour", RATELIMIT_API="1/hour")
    client = client_of(app, address=ADDRESS)

    uploads = [client.put("/upload/a.txt", data=b"words") for _ in range(2)]
    path = f"/download/{uploads[0].get_json()['file_id']}"

    assert [answer.status_code for answer in uploads] == [201, 429]
    assert statuses(client, 2, path) == [200, 429]
    assert statuses(client, 1, path.replace("download", "view")) == [429]
    assert statuses(client, 2) == [200, 429]


def test_probes_and_metrics_are_never_limited(build: Build) -> None:
    client = client_of(build(RATELIMIT_API="1/hour"))

    for path in ("/health/live", "/health/ready", "/health", "/metrics"):
        assert 429 not in statuses(client, 4, path)


def test_the_body_of_a_refused_upload_is_not_stored(build: Build) -> None:
    app = build(RATELIMIT_UPLOAD="1/hour")
    client = client_of(app, address=ADDRESS)
    client.put("/upload/a.txt", data=b"words")

    answer = client.put("/upload/b.bin", data=b"x" * 1_000_000)

    assert answer.status_code == 429
    assert len(list(Parts(app).store.blobs())) == 1


def test_violations_are_on_record_and_counted_by_endpoint(build: Build) -> None:
    app = build(RATELIMIT_API="2/hour")
    statuses(client_of(app, address=ADDRESS), 30)
    Parts(app).ledger.coalescer.close_all()

    rows = [
        row for row in events(client_of(app, ADMIN_TOKEN), "file:list") if row["error_type"] == "rate_limited"
    ]
    metrics = client_of(app).get("/metrics").text

    assert sum(int(str(row["count"])) for row in rows) == 28
    assert len(rows) < 28, "a flood is folded"
    assert {row["status"] for row in rows} == {"denied"}
    assert 'rate_limit_violations_total{endpoint="/files"} 28.0' in metrics


def test_addresses_of_one_ipv6_network_are_one_client(build: Build) -> None:
    app = build(RATELIMIT_API="2/hour")
    seen = [
        client_of(app, address=f"2001:db8::{number:x}").get("/files").status_code for number in range(1, 5)
    ]

    assert seen == [200, 200, 429, 429]
    assert statuses(client_of(app, address="2001:db8:0:1::1"), 1) == [200]
    assert statuses(client_of(app, address="::ffff:203.0.113.7"), 2) == [200, 200]
    assert statuses(client_of(app, address=ADDRESS), 1) == [429], "a mapped address is the IPv4 one"


def test_a_trusted_proxy_itself_is_never_limited_but_its_clients_are(build: Build) -> None:
    app = build(RATELIMIT_API="1/hour", TRUSTED_PROXIES=f"{PROXY}/32")
    proxy = client_of(app, address=PROXY)

    assert statuses(proxy, 3) == [200, 200, 200]
    through = [
        proxy.get("/files", headers={"X-Forwarded-For": address}).status_code
        for address in (ADDRESS, ADDRESS, "203.0.113.8")
    ]
    assert through == [200, 429, 200]


def test_only_wrong_credentials_count_towards_their_limit(build: Build) -> None:
    app = build(RATELIMIT_AUTH="3/hour")
    good = client_of(app, new_token(app, "alice"), ADDRESS)
    bad = client_of(app, "fwb_" + "x" * 43, ADDRESS)

    assert statuses(good, 5) == [200] * 5
    assert statuses(bad, 5) == [401, 401, 401, 429, 429]
    assert statuses(good, 1) == [429], "no guess is looked at any more, not even a right one"
    assert statuses(client_of(app, address=ADDRESS), 1) == [200], "who sends none is not concerned"
    assert statuses(bad, 1, "/metrics") == [429], "nor is there a way around"


def test_limits_may_be_watched_without_being_enforced(build: Build) -> None:
    app = build(RATELIMIT_API="1/hour", RATELIMIT_AUTH="1/hour", RATELIMIT_ENFORCE="false")
    seen: list[Event] = []
    Parts(app).ledger.listeners += (seen.append,)

    assert statuses(client_of(app, address=ADDRESS), 3) == [200] * 3
    assert statuses(client_of(app, "x" * 30, ADDRESS), 3) == [401] * 3

    assert [event.over_limit for event in seen[:3]] == [False, True, True]


def test_without_limits_redis_is_never_asked(build: Build, redis_server: Redis) -> None:
    app = build(REDIS_URL=redis_server.url)
    client = client_of(app, address=ADDRESS)
    with redis_server.client() as redis:
        before = redis.info("commandstats")
        statuses(client, 3)
        after = redis.info("commandstats")

    def asked(stats: dict[str, dict[str, int]]) -> int:
        return sum(row["calls"] for name, row in stats.items() if "evalsha" in name or name.endswith("_get"))

    assert asked(before) == asked(after)


def test_two_processes_share_a_limit_through_redis(build: Build, redis_server: Redis) -> None:
    settings = {"RATELIMIT_API": "3/hour", "REDIS_URL": redis_server.url}
    clients = [client_of(build(**settings), address=ADDRESS) for _ in range(2)]

    seen = [clients[number % 2].get("/files").status_code for number in range(6)]

    assert seen == [200, 200, 200, 429, 429, 429]
    assert clients[0].get("/files", headers={}).status_code == 429


def test_each_strategy_keeps_its_own_keys(build: Build, redis_server: Redis) -> None:
    for strategy in ("fixed-window", "sliding-window-counter", "moving-window"):
        app = build(RATELIMIT_API="1/hour", REDIS_URL=redis_server.url, RATELIMIT_STRATEGY=strategy)
        assert statuses(client_of(app, address=ADDRESS), 2) == [200, 429], strategy
        assert Parts(app).gate.limits.are_shared


@pytest.mark.parametrize("fault", ["stopped", "hung", "full", "read-only"])
def test_without_a_usable_redis_the_host_counts_alone_and_says_so(
    build: Build, redis_server: Redis, fault: str
) -> None:
    app = build(RATELIMIT_API="3/hour", REDIS_URL=redis_server.url)
    limits, client = Parts(app).gate.limits, client_of(app, address=ADDRESS)
    assert statuses(client, 1) == [200]

    break_redis(redis_server, fault)
    began = time.monotonic()
    seen = statuses(client, 5)
    elapsed = time.monotonic() - began

    assert seen == [200, 200, 429, 429, 429], "the host knows what Redis has let through"
    assert elapsed < 10, "one waiting, not one for each request"
    assert not limits.are_shared
    assert "rate_limit_degraded_workers 1.0" in client_of(app).get("/metrics").text

    mend_redis(redis_server, fault)
    limits.probe()
    assert limits.are_shared
    assert "rate_limit_degraded_workers 0.0" in client_of(app).get("/metrics").text
    assert statuses(client, 2) == [429, 429], "Redis does not know what the host has let through meanwhile"


def test_an_emptied_redis_starts_the_window_again(build: Build, redis_server: Redis) -> None:
    client = client_of(build(RATELIMIT_API="1/hour", REDIS_URL=redis_server.url), address=ADDRESS)
    assert statuses(client, 2) == [200, 429]

    redis_server.flush()
    with redis_server.client() as redis:
        redis.script_flush()

    assert statuses(client, 2) == [200, 429]


def break_redis(server: Redis, fault: str) -> None:
    if fault == "stopped":
        server.kill()
    elif fault == "hung":
        server.pause()
    else:
        with server.client() as redis:
            if fault == "full":
                redis.config_set("maxmemory", 1)
            else:
                redis.config_set("min-replicas-to-write", 1)


def mend_redis(server: Redis, fault: str) -> None:
    if fault == "stopped":
        server.start()
    elif fault == "hung":
        server.resume()
    else:
        with server.client() as redis:
            redis.config_set("maxmemory", 0)
            redis.config_set("min-replicas-to-write", 0)


def test_me_shows_what_is_left(build: Build) -> None:
    app: Flask = build(RATELIMIT_UPLOAD="5/hour", RATELIMIT_AUTH="off")
    client = client_of(app, address=ADDRESS)
    client.put("/upload/a.txt", data=b"words")

    me = client.get("/api/v1/access/me").get_json()

    assert [(row["name"], row["limit"], row["remaining"]) for row in me["limits"]] == [
        ("upload", "5 per 1 hour", 4)
    ]
    assert (me["address"], me["role"], me["limits_are_shared"]) == (ADDRESS, "user", False)


def test_nobody_is_blocked_for_counts_that_were_lost(build: Build) -> None:
    app = build(RATELIMIT_AUTH="off", AUTOBLOCK_AUTH="3/hour")
    bad, gate = client_of(app, "fwb_" + "x" * 43, ADDRESS), Parts(app).gate
    assert statuses(bad, 1) == [401]
    with Parts(app).settings.limits_file.open("r+b") as file:
        file.truncate(5000)

    assert statuses(bad, 9) == [401] * 9

    assert gate.take_offenders() == []


def test_a_file_that_cannot_be_had_leaves_each_process_its_own_count(build: Build) -> None:
    app = build(RATELIMIT_API="2/hour")
    client, folder = client_of(app, address=ADDRESS), Parts(app).settings.limits_file.parent
    folder.write_text("in the way")

    assert statuses(client, 3) == [200, 200, 429]

    folder.unlink()
    Parts(app).gate.limits.probe()
    assert statuses(client, 3) == [200, 200, 429]
    assert (folder / "counts-1").exists()

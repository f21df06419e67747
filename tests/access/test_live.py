"""Several workers: one limit through Redis, blocks within a second, and no answer but the promised ones without it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from harness.servers import Redis, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

Start = Callable[..., Service]
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
CLIENT = {"X-Forwarded-For": "203.0.113.7"}
LIMIT, WORKERS = 40, 4
_ASKING = count()


def flood(server: Service, requests: int) -> Counter[int]:
    with ThreadPoolExecutor(16) as pool:
        return Counter(
            pool.map(lambda _: server.request("GET", "/files", headers=CLIENT).status_code, range(requests))
        )


def settings(**more: str) -> dict[str, str]:
    return {
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "RATELIMIT_API": f"{LIMIT}/hour",
        "RATELIMIT_STRATEGY": "fixed-window",
        "AUTOBLOCK_LIMITS": "off",
        **more,
    }


def test_with_redis_four_workers_share_a_limit_exactly(service: Start, redis_server: Redis) -> None:
    server = service(settings(REDIS_URL=redis_server.url), workers=WORKERS)

    seen = flood(server, 3 * LIMIT)

    assert seen == {200: LIMIT, 429: 2 * LIMIT}


def test_without_redis_the_workers_of_a_host_share_a_limit_and_say_that_other_hosts_do_not(
    service: Start,
) -> None:
    server = service(settings(), workers=2)

    seen = flood(server, 4 * LIMIT)

    assert seen == {200: LIMIT, 429: 3 * LIMIT}
    me = server.request("GET", "/api/v1/access/me", headers={"X-Forwarded-For": "203.0.113.8"}).json()
    assert me["limits_are_shared"] is False


def test_a_redis_that_dies_under_load_costs_no_answer_and_is_used_again(
    service: Start, redis_server: Redis
) -> None:
    server = service(settings(REDIS_URL=redis_server.url), workers=2)
    assert set(flood(server, LIMIT)) == {200}

    redis_server.pause()
    hung = flood(server, LIMIT)
    redis_server.kill()
    stopped = flood(server, LIMIT)

    assert set(hung) | set(stopped) <= {200, 429}
    assert hung[200] + stopped[200] <= 2 * LIMIT
    redis_server.start()
    wait_until(lambda: all(shared(server) for _ in range(8)), 60, "every worker counts in Redis again")


def test_a_block_holds_in_every_worker_and_on_both_ways_of_making_it(service: Start) -> None:
    server = service(settings(RATELIMIT_API=""), workers=2)
    block = {"network": "203.0.113.7", "reason": "test"}
    made = server.request("POST", "/api/v1/access/blocks", json=block, headers=ADMIN)
    assert made.status_code == 201

    wait_until(lambda: set(flood(server, 16)) == {403}, 60, "every worker refuses")
    server.cli("blocks", "lift", str(made.json()["id"]))
    wait_until(lambda: set(flood(server, 16)) == {200}, 60, "every worker lets in again")


def shared(server: Service) -> bool:
    number = next(_ASKING)  # another client each time, for each has a limit
    asking = {"X-Forwarded-For": f"198.51.{number // 250}.{number % 250}"}
    me = server.request("GET", "/api/v1/access/me", headers=asking)
    return me.status_code == 200 and bool(me.json()["limits_are_shared"])

"""One limit for all workers of a host without Redis: exact through load, kills, reloads and Redis's absence."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from harness.servers import Front, Redis, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

LIMIT, WORKERS = 1000, 4
_LOST = 0
"""The status of an answer that never came."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Four workers that share a limit of 1,000 requests an hour without Redis."""
    server = Service(tmp_path_factory.mktemp("exact"), settings(f"{LIMIT}/hour", X_ACCEL="true"), WORKERS)
    server.start()
    yield server
    server.kill()


def settings(limit: str, **more: str) -> dict[str, str]:
    return {
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "RATELIMIT_API": limit,
        "RATELIMIT_DOWNLOAD": "5/day",
        "RATELIMIT_STRATEGY": "fixed-window",
        "AUTOBLOCK_LIMITS": "off",
        "MIN_FREE_SPACE": "0",
        **more,
    }


def ask(server: Service, client: str) -> int:
    """The status of a request that counts and costs little else."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", "/nowhere", headers={"X-Forwarded-For": client})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return _LOST
    finally:
        connection.close()


def flood(server: Service, client: str, requests: int) -> Counter[int]:
    with ThreadPoolExecutor(16) as pool:
        return Counter(pool.map(lambda _: ask(server, client), range(requests)))


def test_four_workers_let_exactly_a_thousand_through_and_a_reload_none_more(server: Service) -> None:
    assert flood(server, "203.0.113.1", LIMIT + 200) == {404: LIMIT, 429: 200}

    before = server.worker_pids()
    server.reload()
    wait_until(lambda: not set(before) & set(server.worker_pids()), 60, "the old workers are gone")

    assert flood(server, "203.0.113.1", 50) == {429: 50}


def test_killed_workers_grant_nobody_more(server: Service) -> None:
    seen: Counter[int] = Counter()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(6):
            flooding = pool.submit(flood, server, "203.0.113.2", LIMIT // 6)
            server.kill_worker()
            seen += flooding.result()
    seen += flood(server, "203.0.113.2", seen[_LOST] + 50)

    assert set(seen) <= {404, 429, _LOST}
    assert LIMIT - seen[_LOST] <= seen[404] <= LIMIT


def test_a_download_that_nginx_sends_says_what_is_left(server: Service, front: Front) -> None:
    front.ship(server.environment())
    front.start()
    file = server.request("PUT", "/upload/a.txt", data=b"words").json()
    connection = HTTPConnection("127.0.0.1", front.port, timeout=60, source_address=("127.0.9.2", 0))
    try:
        connection.request("GET", f"/download/{file['file_id']}")
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()

    assert (answer.status, body) == (200, b"words")
    assert answer.headers["RateLimit-Policy"] == '"download";q=5;w=86400'
    assert answer.headers["RateLimit"] in ('"download";r=4;t=86400', '"download";r=4;t=86399')


@pytest.mark.parametrize("strategy", ["fixed-window", "moving-window"])
def test_a_host_lets_no_more_through_when_redis_goes_and_comes_back(
    service: Callable[..., Service], redis_server: Redis, strategy: str
) -> None:
    limit = 200
    server = service(settings(f"{limit}/day", REDIS_URL=redis_server.url, RATELIMIT_STRATEGY=strategy))
    client = "203.0.113.3"
    seen = flood(server, client, 80)
    assert seen == {404: 80}

    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(flood, server, client, 60)
        redis_server.kill()
    seen += flooding.result()
    redis_server.start()
    wait_until(lambda: all(is_shared(server) for _ in range(8)), 60, "every worker counts in Redis again")
    seen += flood(server, client, 300)

    assert seen == {404: limit, 429: 80 + 60 + 300 - limit}


def is_shared(server: Service) -> bool:
    me = server.request("GET", "/api/v1/access/me", headers={"X-Forwarded-For": "203.0.113.99"})
    return me.status_code == 200 and bool(me.json()["limits_are_shared"])


def test_the_file_lies_with_the_services_data(server: Service) -> None:
    assert ask(server, "203.0.113.4") == 404

    files: list[Path] = sorted((server.data_dir / "limits").iterdir())

    assert [path.name for path in files] == ["counts-1", "counts-1.lock"]
    assert files[0].stat().st_size < 5_000_000

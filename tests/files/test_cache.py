"""The metadata cache: answers are the database's, and an ended file is never served, whatever the interleaving."""

import io
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from filewallball.clock import now_us
from filewallball.files.cache import GONE, MetadataCache
from filewallball.files.rows import FoundFile
from harness.parts import Parts
from harness.servers import Redis
from harness.waiting import wait_until
from tests.files.kept import FOUND


@pytest.fixture
def cached(set_config: Callable[..., Flask], redis_server: Redis) -> Flask:
    """The app with a Redis."""
    return set_config(REDIS_URL=redis_server.url)


@pytest.fixture
def client(cached: Flask) -> FlaskClient:
    return cached.test_client()


@pytest.fixture
def cache(redis_server: Redis) -> Iterator[MetadataCache]:
    """A cache of the test's own."""
    made = MetadataCache(redis_server.url)
    yield made
    made.close()


def test_the_second_look_is_a_hit_and_both_are_counted(client: FlaskClient, cached: Flask) -> None:
    file = _upload(client)

    answers = [client.get(f"/{how}/{file['file_id']}") for how in ("download", "view", "download")]

    assert {answer.data for answer in answers} == {b"a few words"}
    assert _looks(Parts(cached)) == ["miss", "hit", "hit"]
    metrics = client.get("/metrics").get_data(as_text=True)
    assert 'cache_requests_total{result="hit"} 2.0' in metrics
    assert 'cache_requests_total{result="miss"} 1.0' in metrics
    detailed = client.get("/api/v1/metrics/detailed").get_json()
    assert detailed["performance_metrics"]["cache_hit_rate"] == 66.7


def test_a_deleted_file_is_gone_at_once(client: FlaskClient, redis_server: Redis) -> None:
    file = _upload(client)
    client.get(f"/download/{file['file_id']}")

    assert _delete(client, file) == 204

    assert client.get(f"/download/{file['file_id']}").status_code == 404
    with redis_server.client() as direct:
        assert direct.get(f"filewallball:file:1:{file['file_id']}") == GONE
        assert 30 < direct.ttl(f"filewallball:file:1:{file['file_id']}") <= 60


def test_an_expired_file_is_refused_although_its_entry_is_there(client: FlaskClient, cached: Flask) -> None:
    file = _upload(client)
    parts = Parts(cached)
    with parts.database.begin() as connection:  # an entry that knows when the file ends
        connection.execute(text("UPDATE files SET expires_us = :at"), {"at": now_us() + 3_600_000_000})
    client.get(f"/download/{file['file_id']}")
    parts.cache._client.set(*_aged(parts, file["file_id"]))

    answer = client.get(f"/download/{file['file_id']}")

    assert (answer.status_code, answer.get_json()["code"]) == (410, "expired")
    assert _looks(parts)[-1] == "hit"


_ORDERS = [
    order
    for order in map("".join, itertools.permutations("GLFMC"))
    if order.index("G") < order.index("L") < order.index("F") and order.index("M") < order.index("C")
]


def test_every_interleaving_of_a_reader_and_an_ending_leaves_no_entry(
    cache: MetadataCache,
) -> None:
    """A reader Gets, Looks up and Fills; the other Marks and Commits, each in its own order."""
    live: list[FoundFile] = []
    seen: list[Any] = []
    steps: dict[str, Callable[[], object]] = {
        "G": lambda: cache._client.get("filewallball:file:1:one"),
        "L": lambda: seen.extend((live[0] if live else None, now_us())),
        "F": lambda: cache._fill("one", *seen) if seen[0] is not None else None,
        "M": lambda: cache.forget("one"),
        "C": live.clear,
    }
    for order in _ORDERS:
        cache._client.flushall()
        live[:], seen[:] = [FOUND], []

        for step in order:
            steps[step]()

        assert cache.find("one", lambda: live[0] if live else None)[0] is None, order


def test_an_entry_is_worth_nothing_thirty_seconds_after_the_database_was_asked(cache: MetadataCache) -> None:
    cache._fill("one", FOUND, now_us() - 30_000_001)
    assert cache.find("one", lambda: None) == (None, "miss")

    cache._client.flushall()
    cache._fill("one", FOUND, now_us() - 10_000_000)
    row, result = cache.find("one", lambda: None)
    assert row is not None
    assert (row.path, result) == ("ab/cd", "hit")


def test_foreign_bytes_are_a_miss(cache: MetadataCache) -> None:
    for foreign in (b"", b"gone?", b"[]", b"[1,2]", b'{"state":"live"}', b"[9e999]", b"\xff"):
        cache._client.set("filewallball:file:1:one", foreign)
        assert cache.find("one", lambda: None) == (None, "miss"), foreign


def test_nobody_gets_a_file_after_its_deletion_was_acknowledged(client: FlaskClient, cached: Flask) -> None:
    for _ in range(5):
        file = _upload(client)
        deleted = threading.Event()
        late: list[int] = []

        def read(
            file: dict[str, Any] = file, deleted: threading.Event = deleted, late: list[int] = late
        ) -> None:
            mine = cached.test_client()
            for _ in range(15):
                was_deleted = deleted.is_set()
                status = mine.get(f"/download/{file['file_id']}").status_code
                if was_deleted:
                    late.append(status)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        assert _delete(client, file) == 204
        deleted.set()
        for reader in readers:
            reader.join()
        late.append(client.get(f"/download/{file['file_id']}").status_code)
        assert set(late) == {404}


def test_a_redis_that_hangs_is_asked_once_and_then_by_the_job_alone(
    cache: MetadataCache, redis_server: Redis
) -> None:
    redis_server.pause()
    first = cache.find("one", lambda: FOUND)
    asked: list[str] = []
    cache._client.mget = lambda *keys: asked.extend(keys)
    later = [cache.find("one", lambda: FOUND)[1] for _ in range(50)]
    cache.probe()
    still = cache.find("one", lambda: FOUND)[1]
    redis_server.resume()

    def is_back() -> bool:
        cache.probe()
        return not cache._is_away

    wait_until(is_back, 60, "the job finds Redis again")

    assert first[0] is not None
    assert (first[0].path, first[1]) == ("ab/cd", "none")
    assert {*later, still} == {"none"}
    assert asked == []


def test_a_restore_makes_entries_of_before_worthless(cache: MetadataCache) -> None:
    cache._fill("one", FOUND, now_us())
    assert cache.find("one", lambda: None)[1] == "hit"

    cache.doubt_all()
    assert cache.find("one", lambda: None) == (None, "miss")
    asked_before = now_us()
    assert cache.forget_all()

    assert cache.find("one", lambda: None) == (None, "miss")
    cache._client.delete("filewallball:file:1:one")
    cache._fill("one", FOUND, asked_before)
    assert cache.find("one", lambda: None) == (None, "miss")
    cache._client.delete("filewallball:file:1:one")
    cache._fill("one", FOUND, now_us() + 1)
    wait_until(lambda: cache.find("one", lambda: None)[1] == "hit", 60, "what is asked from now on counts")


def test_bytes_that_were_brought_again_are_served_although_the_cache_knows_the_lost_ones(
    client: FlaskClient, cached: Flask
) -> None:
    parts, file = Parts(cached), _upload(client)
    client.get(f"/download/{file['file_id']}")
    [lost] = parts.store.blobs()

    parts.store.remove(lost)
    missing = client.get(f"/download/{file['file_id']}")
    _upload(client)
    brought = client.get(f"/download/{file['file_id']}")

    assert (missing.status_code, brought.data) == (503, b"a few words")
    assert _looks(parts) == ["miss", "hit", "hit"]


def test_content_found_damaged_is_served_as_soon_as_it_was_brought_again(
    client: FlaskClient, cached: Flask
) -> None:
    parts, file = Parts(cached), _upload(client)
    with parts.database.begin() as connection:
        connection.execute(text("UPDATE blobs SET damaged_us = 1"))
    damaged = client.get(f"/download/{file['file_id']}")
    _upload(client)

    brought = client.get(f"/download/{file['file_id']}")

    assert (damaged.status_code, brought.data) == (500, b"a few words")
    assert _looks(parts) == ["miss", "hit"]


def test_without_redis_every_answer_is_the_same(
    client: FlaskClient, cached: Flask, redis_server: Redis
) -> None:
    file, other = _upload(client), _upload(client)
    client.get(f"/download/{file['file_id']}")
    redis_server.stop()

    assert client.get(f"/download/{file['file_id']}").status_code == 200
    assert _delete(client, file) == 204
    assert client.get(f"/download/{file['file_id']}").status_code == 404
    redis_server.start()
    assert client.get(f"/download/{other['file_id']}").status_code == 200
    assert _looks(Parts(cached))[1] == "none"


def test_a_redis_that_hangs_changes_no_answer_and_is_left_alone(
    client: FlaskClient, cached: Flask, redis_server: Redis
) -> None:
    file, other = _upload(client), _upload(client)
    client.get(f"/download/{file['file_id']}")
    redis_server.pause()
    try:
        answers = [client.get(f"/download/{file['file_id']}") for _ in range(2)]
        ended = _delete(client, file)
        gone = client.get(f"/download/{file['file_id']}")
    finally:
        redis_server.resume()

    assert [answer.data for answer in answers] == [b"a few words"] * 2
    assert (ended, gone.status_code) == (204, 404)
    assert client.get(f"/download/{other['file_id']}").data == b"a few words"
    assert _looks(Parts(cached))[:3] == ["miss", "none", "none"]


def _upload(client: FlaskClient) -> dict[str, Any]:
    sent = client.post("/upload", data={"file": (io.BytesIO(b"a few words"), "note.txt")})
    file: dict[str, Any] = sent.get_json()
    return file


def _delete(client: FlaskClient, file: dict[str, Any]) -> int:
    headers = {"X-Delete-Token": file["delete_token"]}
    return client.delete(f"/files/{file['file_id']}", headers=headers).status_code


def _looks(parts: Parts) -> list[str]:
    """The cache's answer to each download and view, oldest first."""
    assert parts.shipper.flush(seconds=60)
    statement = text(
        "SELECT cache FROM audit_log WHERE action IN ('file:download', 'file:view') ORDER BY timestamp_us, id"
    )
    return list(parts.database.scalars(statement))


def _aged(parts: Parts, file_id: str) -> tuple[str, bytes]:
    """The file's entry as it is once its time has come, the sweep not having been there yet."""
    key = f"filewallball:file:1:{file_id}"
    entry = orjson.loads(parts.cache._client.get(key))
    entry[1 + FoundFile._fields.index("expires_us")] = now_us() - 1
    return key, orjson.dumps(entry)

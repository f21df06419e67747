"""Uploads that the service ends while a client is at them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from filewallball_client import Client, Refused
from harness.servers import Relay, Service
from harness.waiting import wait_until
from tests.client.conftest import ADMIN_TOKEN
from tests.client.uploads import ADMIN, MARK, created, kept, unfinished

_EXPIRE = "UPDATE uploads SET active_us = 0 WHERE filename = ? AND is_held = 0"


def test_an_upload_that_expires_under_way_is_begun_anew(service: Service, relay: Relay, path: Path) -> None:
    relay.cut_before, waits = MARK, list[str]()

    def expire(message: str) -> None:
        waits.append(message)
        relay.cut_before = b""
        if len(waits) == 1:
            wait_until(lambda: _has_expired(service, path.name), what="the upload has expired")

    with Client(f"http://127.0.0.1:{relay.port}", token=ADMIN_TOKEN, notify=expire) as client:
        uploaded = client.upload(path)

    assert "beginning anew" in waits[1]
    assert kept(service, path.name) == [uploaded.file_hash]
    assert created(service, path.name) == 2


def _has_expired(service: Service, name: str) -> bool:
    """Let time pass for an upload; in vain while a request that was cut off is yet to begin, or still holds it."""
    database = sqlite3.connect(service.data_dir / "filewallball.db", 60, isolation_level=None)
    with closing(database):
        database.execute(_EXPIRE, [name])
    service.cli("maintain", "--once")
    return not unfinished(service, name)


def test_an_upload_that_is_given_up_under_way_ends_with_that_reason(
    service: Service, relay: Relay, path: Path
) -> None:
    relay.cut_before = MARK

    def terminate(message: str) -> None:
        relay.cut_before = b""
        (upload,) = unfinished(service, path.name)
        assert service.request("DELETE", f"/api/v1/uploads/{upload['upload_id']}", headers=ADMIN).ok

    with (
        Client(f"http://127.0.0.1:{relay.port}", token=ADMIN_TOKEN, notify=terminate) as client,
        pytest.raises(Refused) as caught,
    ):
        client.upload(path)

    assert caught.value.problem.code == "upload_terminated"
    assert created(service, path.name) == 1

"""A creation that brings bytes and breaks off: who cannot learn its address leaves nothing unfinished behind."""

import socket
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.waiting import wait_until
from tests.files.resumable.tus import BYTES, VERSION, Tus, noise

pytestmark = pytest.mark.server
SIZE = 400_000
NewUser = Callable[[], tuple[Tus, int, int]]


def break_off(tus: Tus, headers: dict[str, str], data: bytes) -> None:
    """Create an upload with all of its bytes, of which only half are sent."""
    parts = urlsplit(tus.url)
    lines = {
        **VERSION,
        **BYTES,
        **tus.credentials,
        "Host": parts.netloc,
        "Upload-Length": str(SIZE),
        "Content-Length": str(SIZE),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((parts.hostname, parts.port), 60) as client:
        client.sendall(f"POST /uploads HTTP/1.1\r\n{head}\r\n".encode() + data[: SIZE // 2])


def begun(admin: Tus, user_id: int) -> list[dict[str, Any]]:
    rows = admin.ask("GET", f"/api/v1/audit/logs?action=upload:create&user_id={user_id}").json()["logs"]
    return [row for row in rows if row["status"] == "success"]


def unfinished(tus: Tus) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tus.ask("GET", "/api/v1/uploads").json()["uploads"]
    return found


def test_an_upload_whose_address_nobody_was_told_is_given_up(new_user: NewUser, admin: Tus) -> None:
    tus, user_id, _ = new_user()

    break_off(tus, {}, noise(SIZE))

    wait_until(lambda: begun(admin, user_id), 60, "the creation is on record")
    wait_until(lambda: not unfinished(tus), 60, "nothing is unfinished")


def test_an_upload_under_a_key_goes_on(new_user: NewUser) -> None:
    tus, _, _ = new_user()
    data, key = noise(SIZE), {"Idempotency-Key": str(uuid.uuid4())}
    break_off(tus, key, data)
    wait_until(lambda: [each for each in unfinished(tus) if each["offset"]], 60, "what came is kept")

    again = tus.create(SIZE, key)

    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(SIZE // 2))
    assert tus.patch(again.headers["Location"], SIZE // 2, data[SIZE // 2 :]).status_code == 204

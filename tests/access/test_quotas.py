"""Quotas: never exceeded by one byte or file, and given back when a file goes."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from filewallball.access import Quotas
from filewallball.files.sweep import Sweep
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from harness.parts import Parts
from harness.servers import Service
from tests.access.people import Build, client_of, new_token
from tests.conftest import ADMIN_TOKEN

ADDRESS = "203.0.113.7"


def upload(client: FlaskClient, size: int, query: str = "") -> int:
    return client.put(f"/upload/a.bin?{query}", data=b"\x01" * size).status_code


def test_the_last_byte_fits_and_one_more_does_not(set_config: Build) -> None:
    client = client_of(set_config(QUOTA_ANONYMOUS_BYTES="100"), address=ADDRESS)

    assert [upload(client, 60), upload(client, 41), upload(client, 40)] == [201, 403, 201]
    answer = client.put("/upload/b.bin", data=b"x")

    assert (answer.status_code, answer.get_json()["code"]) == (403, "quota_exceeded")


def test_the_last_file_fits_and_one_more_does_not(set_config: Build) -> None:
    app = set_config(QUOTA_USER_FILES="2")
    client = client_of(app, new_token(app, "alice"))

    assert [upload(client, 1), upload(client, 1), upload(client, 1)] == [201, 201, 403]


def test_a_refused_upload_leaves_no_file_and_is_denied_on_record(set_config: Build) -> None:
    app = set_config(QUOTA_ANONYMOUS_BYTES="10")
    admin = client_of(app, "fwb_the-first-administrator-of-the-tests")

    assert upload(client_of(app, address=ADDRESS), 11) == 403

    row = admin.get("/api/v1/audit/logs?action=file:upload").get_json()["logs"][0]
    assert (row["status"], row["error_type"]) == ("denied", "quota_exceeded")
    assert list(Parts(app).store.blobs()) == []


def test_what_goes_is_given_back(set_config: Build) -> None:
    app = set_config(QUOTA_USER_BYTES="10")
    client = client_of(app, new_token(app, "alice"))
    kept = client.put("/upload/a.bin", data=b"x" * 10).get_json()["file_id"]
    assert upload(client, 1) == 403

    assert client.delete(f"/files/{kept}").status_code == 204
    assert client.delete(f"/files/{kept}").status_code == 404

    quota = client.get("/api/v1/access/me").get_json()["quota"]
    assert quota.pop("principal").startswith("user:")
    assert quota == {"used_bytes": 0, "used_files": 0, "limit_bytes": 10, "limit_files": 0}
    assert upload(client, 10) == 201


def test_what_expires_is_given_back(set_config: Build) -> None:
    app = set_config(QUOTA_ANONYMOUS_FILES="1")
    client = client_of(app, address=ADDRESS)
    assert upload(client, 1, "expires_in=1h") == 201
    parts = Parts(app)
    with parts.database.begin() as connection:
        connection.execute(text("UPDATE files SET expires_us = 1"))

    Sweep(
        parts.database,
        parts.store,
        lambda action, file_id: operation(parts.ledger, action, SYSTEM, resource_id=file_id),
    ).expire_files()

    assert upload(client, 1) == 201


def test_addresses_of_one_ipv6_network_share_a_quota(set_config: Build) -> None:
    app = set_config(QUOTA_ANONYMOUS_FILES="1")

    assert upload(client_of(app, address="2001:db8::1"), 1) == 201
    assert upload(client_of(app, address="2001:db8::2:1"), 1) == 403
    assert upload(client_of(app, address="2001:db8:0:1::1"), 1) == 201


def test_files_from_before_the_quota_count(set_config: Build) -> None:
    before = set_config()
    token = new_token(before, "alice")
    assert upload(client_of(before, token), 60) == 201

    client = client_of(set_config(QUOTA_USER_BYTES="100"), token)

    assert upload(client, 41) == 403
    assert upload(client, 40) == 201


def test_a_user_may_have_limits_of_their_own(set_config: Build) -> None:
    app = set_config(QUOTA_USER_BYTES="10")
    client = client_of(app, new_token(app, "alice"))
    me = client.get("/api/v1/access/me").get_json()["user_id"]
    parts = Parts(app)

    with operation(parts.ledger, "quota:update", SYSTEM) as op:
        Quotas(parts.settings, parts.database).set_limits(op, f"user:{me}", limit_bytes=0, limit_files=None)

    assert upload(client, 1000) == 201


@pytest.mark.parametrize("unit", ["bytes", "files"])
def test_fifty_parallel_uploads_never_exceed_a_quota(
    set_config: Build, unit: str, rounds: Callable[[int, int], int]
) -> None:
    limits = {"QUOTA_ANONYMOUS_BYTES": "1000"} if unit == "bytes" else {"QUOTA_ANONYMOUS_FILES": "10"}
    app = set_config(**limits)
    statuses = in_parallel(app, clients=50, size=100, repeat=rounds(1, 20))

    assert statuses.count(201) == 10
    assert set(statuses) <= {201, 403, 503}
    with Parts(app).database.read() as connection:
        used = connection.execute(text("SELECT used_bytes, used_files FROM quotas")).one()
        kept = connection.execute(text("SELECT SUM(file_size), COUNT(*) FROM files")).one()
    assert tuple(used) == tuple(map(int, kept)) == (1000, 10)


def in_parallel(app: Flask, clients: int, size: int, repeat: int) -> list[int]:
    start = threading.Barrier(clients)
    statuses: list[int] = []

    def run(number: int) -> None:
        client = client_of(app, address=ADDRESS)
        start.wait()
        for turn in range(repeat):
            body = b"%06d-%06d" % (number, turn)
            statuses.append(client.put("/upload/a.bin", data=body.ljust(size, b"\x02")).status_code)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_use_is_told_although_no_limit_was_ever_set(set_config: Build) -> None:
    app = set_config()
    alice = client_of(app, new_token(app, "alice"))
    kept = [alice.put("/upload/a.bin", data=b"x" * size).get_json()["file_id"] for size in (10, 20, 30)]
    alice.delete(f"/files/{kept[0]}")

    quota = alice.get("/api/v1/access/me").get_json()["quota"]

    assert (quota["used_bytes"], quota["used_files"], quota["limit_bytes"]) == (50, 2, 0)


def test_a_refusal_names_the_numbers(set_config: Build) -> None:
    client = client_of(set_config(QUOTA_ANONYMOUS_BYTES="100", QUOTA_ANONYMOUS_FILES="3"), address=ADDRESS)
    assert upload(client, 60) == 201

    refused = client.put("/upload/b.bin", data=b"x" * 41).get_json()["detail"]
    assert upload(client, 40) == 201
    early = client.put("/upload/b.bin", data=b"x").get_json()["detail"]

    assert refused == "In use: 60 of 100 bytes and 1 of 3 files. This file has 41 bytes."
    assert early == "In use: 100 of 100 bytes and 2 of 3 files."


@pytest.mark.parametrize("whose", ["users/{user_id}", "addresses/2001:db8::7"])
def test_administrators_see_and_set_quotas(set_config: Build, whose: str) -> None:
    app = set_config()
    alice = client_of(app, new_token(app, "alice"))
    owner = alice if "users" in whose else client_of(app, address="2001:db8::1")
    path = (
        f"/api/v1/access/quotas/{whose.format(user_id=alice.get('/api/v1/access/me').get_json()['user_id'])}"
    )
    admin = client_of(app, ADMIN_TOKEN)
    assert upload(owner, 60) == 201

    before = admin.get(path).get_json()
    after = admin.put(path, json={"limit_bytes": 100}).get_json()
    listed = admin.get("/api/v1/access/quotas").get_json()

    assert (before["used_bytes"], before["limit_bytes"]) == (60, 0)
    assert after == {**before, "limit_bytes": 100}
    assert listed == {"quotas": [after], "total": 1, "next_cursor": None}
    assert [upload(owner, 41), upload(owner, 40)] == [403, 201]
    assert admin.put(path, json={}).get_json()["limit_bytes"] == 0
    assert upload(owner, 1) == 201


def test_the_quota_of_nobody_is_refused(set_config: Build) -> None:
    admin = client_of(set_config(), ADMIN_TOKEN)

    for path, status in (("users/999", 404), ("addresses/nonsense", 422)):
        assert admin.get(f"/api/v1/access/quotas/{path}").status_code == status
        assert admin.put(f"/api/v1/access/quotas/{path}", json={}).status_code == status


def test_the_shell_sets_shows_and_lists_quotas(tmp_path: Path) -> None:
    machine = Service(tmp_path)
    machine.cli("prepare")

    said = machine.cli("quotas", "set", "admin", "--bytes", "1KB", "--files", "3")
    machine.cli("quotas", "set", ADDRESS, "--files", "5")

    assert "user:1\t0\t0\t1024\t3" in said
    assert said == machine.cli("quotas", "show", "admin")
    listed = machine.cli("quotas", "list")
    assert "user:1\t0\t0\t1024\t3" in listed
    assert f"{ADDRESS}\t0\t0\t0\t5" in listed

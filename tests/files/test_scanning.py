"""The virus scan: infected bytes are refused, what was not scanned is never clean, a lost scanner is borne."""

import io
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from filewallball.errors import StorageFailed
from filewallball.files.scanning import Rescan, ScanResult
from filewallball.files.tables import blobs
from filewallball.recording.event import Event
from filewallball.recording.system import system_operations
from filewallball.serving import maintenance
from filewallball.storage.pieces import Readable
from harness.parts import Parts
from harness.servers import Clamd, Redis
from harness.servers.clamd import EICAR, MARKER, STREAM_LIMIT
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

pytestmark = pytest.mark.server
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def scanned(set_config: Callable[..., Flask], clamd: Clamd) -> Callable[..., FlaskClient]:
    """A client of the app with the scanner under a policy, and other settings."""

    def build(policy: str, **changes: str) -> FlaskClient:
        settings = {"CLAMD_ADDRESS": clamd.address, "SCAN_TIMEOUT": "5s", **changes}
        return set_config(SCAN_POLICY=policy, **settings).test_client()

    return build


@on_sqlite
def test_a_clean_file_is_kept_and_served_under_every_policy(scanned: Callable[..., FlaskClient]) -> None:
    for policy in ("off", "optional", "required"):
        client = scanned(policy)

        answer = _put(client, b"nothing wrong here, " + policy.encode())

        assert answer.status_code == 201
        assert client.get(f"/download/{answer.get_json()['file_id']}").status_code == 200


@on_sqlite
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("eicar.com", lambda: EICAR),
        ("holiday.jpg", lambda: EICAR),
        ("notes.txt", lambda: EICAR + b"\n"),
        ("archive.zip", lambda: _zipped(EICAR)),
        ("twice.zip", lambda: _zipped(_zipped(EICAR))),
        ("deep.bin", lambda: b"\0" * 300_000 + MARKER),
    ],
)
def test_infected_bytes_are_refused_however_they_are_dressed(
    scanned: Callable[..., FlaskClient], name: str, content: Callable[[], bytes]
) -> None:
    client = scanned("required")

    answer = client.put(f"/upload/{name}", data=content())

    assert (answer.status_code, answer.get_json()["code"]) == (422, "infected_file")
    row = _last(client, "file:upload")
    assert (row["status"], row["error_type"]) == ("failed", "infected_file")
    details = row["details"]
    assert isinstance(details, dict)
    assert details["signature"].startswith(("Eicar.Test", "Custom.Marker"))
    assert list(Parts(client.application).store.blobs()) == []


@on_sqlite
def test_an_infected_upload_counts_as_suspicious(scanned: Callable[..., FlaskClient]) -> None:
    client = scanned("optional")
    events: list[Event] = []
    Parts(client.application).ledger.listeners += (events.append,)

    _put(client, EICAR)

    assert [(event.action, event.suspicious) for event in events] == [("file:upload", True)]


@on_sqlite
def test_the_scanner_is_reached_through_its_socket_file_too(
    set_config: Callable[..., Flask], clamd: Clamd
) -> None:
    client = set_config(SCAN_POLICY="required", CLAMD_ADDRESS=str(clamd.socket_path)).test_client()

    assert _put(client, b"clean").status_code == 201
    assert _put(client, EICAR).status_code == 422


@on_sqlite
@pytest.mark.parametrize(
    ("policy", "status", "code"), [("required", 422, "not_scannable"), ("optional", 201, "")]
)
@pytest.mark.parametrize("limit", ["1MB", "100MB"])
def test_a_file_beyond_the_limits_is_not_scanned_and_never_clean(
    scanned: Callable[..., FlaskClient], policy: str, status: int, code: str, limit: str
) -> None:
    client = scanned(policy, SCAN_MAX_SIZE=limit)

    answer = _put(client, b"\0" * (STREAM_LIMIT + 1_000_000) + MARKER)

    assert answer.status_code == status
    assert answer.get_json().get("code", "") == code
    assert _states(client) == ([] if policy == "required" else ["skipped"])


def test_without_the_scanner_required_refuses_and_optional_scans_later(
    scanned: Callable[..., FlaskClient], clamd: Clamd
) -> None:
    required, optional = scanned("required"), scanned("optional")
    clamd.stop()

    refused = _put(required, b"anything")
    kept, infected = _put(optional, b"something"), _put(optional, MARKER + b"!")

    assert (refused.status_code, refused.get_json()["code"]) == (503, "scanner_unavailable")
    assert (kept.status_code, infected.status_code) == (201, 201)
    assert _states(optional) == ["pending", "pending"]
    assert required.get(f"/download/{kept.get_json()['file_id']}").get_json()["code"] == "scan_pending"
    clamd.start()
    wait_until(lambda: _rescan(optional) and "pending" not in _states(optional), 60, "all are scanned")
    assert sorted(_states(optional)) == ["clean", "infected"]
    for path in ("/download/", "/view/", "/thumbnail/"):
        answer = optional.get(path + infected.get_json()["file_id"], headers={"Range": "bytes=0-3"})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "infected_file")
    assert required.get(f"/download/{kept.get_json()['file_id']}").status_code == 200
    row = _last(optional, "file:scan")
    assert (row["resource_id"], row["error_type"]) == (infected.get_json()["file_id"], "infected_file")


def test_what_was_stored_before_there_was_a_policy_is_served_once_it_is_scanned(
    set_config: Callable[..., Flask], scanned: Callable[..., FlaskClient]
) -> None:
    stored = _put(set_config().test_client(), b"from before").get_json()
    client = scanned("required")
    before = client.get(f"/download/{stored['file_id']}")

    _rescan(client)

    assert (before.status_code, before.get_json()["code"]) == (503, "scan_pending")
    assert "Retry-After" in before.headers
    assert client.get(f"/download/{stored['file_id']}").data == b"from before"


@on_sqlite
@pytest.mark.parametrize(("policy", "status"), [("required", 503), ("optional", 201)])
def test_a_scanner_that_hangs_costs_its_timeout_and_later_uploads_nothing(
    scanned: Callable[..., FlaskClient], clamd: Clamd, policy: str, status: int
) -> None:
    client = scanned(policy, SCAN_TIMEOUT="500ms")
    app = client.application
    clamd.pause()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: _put(app.test_client(), b"%d" % n).status_code, range(6)))
    clamd.resume()

    assert answers == [status] * 6
    wait_until(lambda: _put(client, b"again").status_code == 201, 60, "uploads go on")


@on_sqlite
def test_a_scanner_killed_mid_stream_never_makes_a_file_clean(
    scanned: Callable[..., FlaskClient], clamd: Clamd
) -> None:
    scanner = Parts(scanned("required").application).scanner
    pieces = iter([b"\0" * 200_000, b"\0" * 200_000, EICAR, b""])

    class Killing:
        def read(self, size: int, /) -> bytes:
            piece = next(pieces)
            if piece == EICAR:
                clamd.kill()
            return piece

    assert scanner.examine(Killing(), 400_068).state == "pending"


@on_sqlite
def test_bytes_that_the_disk_does_not_give_are_no_failure_of_the_scanner(
    scanned: Callable[..., FlaskClient],
) -> None:
    scanner = Parts(scanned("required").application).scanner

    # The first page of a process's own memory gives EIO, as a bad sector does.
    with io.FileIO("/proc/self/mem") as unreadable, pytest.raises(StorageFailed):
        scanner.examine(unreadable, 100)

    assert scanner.examine(io.BytesIO(b"clean"), 5).state == "clean"


@on_sqlite
def test_a_file_at_which_the_scanner_fails_keeps_no_other_from_being_scanned(
    set_config: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = set_config(SCAN_POLICY="optional", CLAMD_ADDRESS="127.0.0.1:1").test_client()
    for content in (b"it hangs here", b"sound", b"sound too"):
        _put(client, content)
    parts = Parts(client.application)

    def examine(file: Readable, size: int) -> ScanResult:
        return ScanResult("pending" if file.read(size) == b"it hangs here" else "clean")

    monkeypatch.setattr(parts.scanner, "examine", examine)
    rescan = Rescan(parts.scanner, parts.database, parts.store, system_operations(parts.app))

    assert [rescan.run() for _ in range(3)] == [0, 2, 0]
    assert sorted(_states(client)) == ["clean", "clean", "pending"]


@on_sqlite
def test_a_file_found_infected_is_refused_although_the_cache_knows_it(
    set_config: Callable[..., Flask], redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"SCAN_POLICY": "optional", "CLAMD_ADDRESS": "127.0.0.1:1", "REDIS_URL": redis_server.url}
    client = set_config(**settings).test_client()
    url = f"/download/{_put(client, b'anything').get_json()['file_id']}"
    before = client.get(url).status_code
    examine = lambda file, size: ScanResult("infected", "Some.Signature")  # noqa: E731
    monkeypatch.setattr(Parts(client.application).scanner, "examine", examine)

    _rescan(client)

    assert (before, client.get(url).status_code) == (200, 422)


@on_sqlite
def test_health_says_when_the_scanner_is_away_and_when_it_is_back(
    scanned: Callable[..., FlaskClient], clamd: Clamd
) -> None:
    client = scanned("optional")

    def shown() -> str:
        body = client.get("/health/detailed").get_json()
        return str(body["checks"]["external_services"]["checks"]["virus_scan_service"])

    first = shown()
    clamd.pause()
    wait_until(lambda: shown() == "degraded", 60, "health sees that it hangs")
    overall = client.get("/health")
    clamd.resume()
    wait_until(lambda: shown() == "healthy", 60, "health sees that it is back")

    assert first == "healthy"
    assert (overall.status_code, overall.get_json()["status"]) == (200, "degraded")


def _put(client: FlaskClient, content: bytes) -> TestResponse:
    return client.put("/upload/file.bin", data=content)


def _zipped(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.com", content)
    return target.getvalue()


def _states(client: FlaskClient) -> list[str]:
    rows = Parts(client.application).database.rows(select(blobs.c.scan_state))
    return [row.scan_state for row in rows]


def _rescan(client: FlaskClient) -> bool:
    parts = Parts(client.application)
    jobs = {job.name: job for job in maintenance.slow_jobs(parts.app)}
    jobs["rescan"].run()
    return True


def _last(client: FlaskClient, action: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    answer = client.get("/api/v1/audit/logs", query_string={"action": action, "size": 1}, headers=headers)
    row: dict[str, object] = answer.get_json()["logs"][0]
    return row

"""Backups under load, verified byte by byte, and brought back to an empty place or over live data."""

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from filewallball.backup.manifest import BackupBroken, backup_ids, blob_location
from filewallball.backup.verify import verify_backup
from tests.servers import MariaDB, Service
from tests.waiting import wait_until


@pytest.fixture(params=["sqlite", "mariadb"])
def new_place(
    request: pytest.FixtureRequest, service: Callable[..., Service], mariadb: MariaDB
) -> Callable[[], Service]:
    """Starts a service on an empty database and data folder, of either kind."""

    def start() -> Service:
        settings = {"MIN_FREE_SPACE": "0", "BACKUP_MAX_AGE": "1h"}
        if request.param == "mariadb":
            settings["DATABASE_URL"] = mariadb.create_database()
        return service(settings, workers=1)

    return start


@pytest.fixture
def empty_place(
    request: pytest.FixtureRequest, mariadb: MariaDB, new_place: object, tmp_path: Path
) -> Iterator[Service]:
    """A service that was never prepared nor started, on the other kind of database than `new_place`."""
    settings = {"MIN_FREE_SPACE": "0"}
    if "sqlite" in request.node.name:
        settings["DATABASE_URL"] = mariadb.create_database()
    place = Service(tmp_path / "empty-place", settings, 1)
    yield place
    place.kill()


def test_a_backup_under_load_brings_a_lost_host_back(
    new_place: Callable[[], Service], empty_place: Service, tmp_path: Path
) -> None:
    lost, folder = new_place(), tmp_path / "backups"
    acknowledged = dict(_upload(lost, random.randbytes(20_000)) for _ in range(20))
    assert _backup_status(lost) == "degraded"
    codes: list[int] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            answer = lost.request("PUT", "/upload/more.bin", data=random.randbytes(5_000))
            codes.append(answer.status_code)
            fetched = lost.request("GET", f"/download/{next(iter(acknowledged))}")
            codes.append(fetched.status_code)

    loaders = [threading.Thread(target=load) for _ in range(1)]
    for loader in loaders:
        loader.start()
    wait_until(lambda: codes, 30, "the load has begun")
    lost.cli("backup", "create", str(folder))
    stop.set()
    for loader in loaders:
        loader.join()
    wait_until(lambda: _backup_status(lost) == "healthy", 30, "health knows of the backup")
    token = (lost.data_dir / "admin-token").read_text().strip()
    lost.kill()

    restored = empty_place.cli("backup", "restore", str(folder))
    place = empty_place.start()

    assert set(codes) == {200, 201}
    assert "restored" in restored
    for file_id, content in acknowledged.items():
        assert place.request("GET", f"/download/{file_id}").content == content
    assert _actions(place, token, "backup:restore") == ["success"]
    assert "intact" in place.cli("audit", "verify").lower()


def test_a_second_backup_copies_only_what_is_new(sqlite_place: Service, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    _upload(sqlite_place, b"first")
    sqlite_place.cli("backup", "create", str(folder))
    before = {path: path.stat().st_ino for path in _blobs(folder)}
    _upload(sqlite_place, b"second")

    sqlite_place.cli("backup", "create", str(folder))

    after = {path: path.stat().st_ino for path in _blobs(folder)}
    assert (len(before), len(after)) == (1, 2)
    assert before.items() <= after.items()
    assert sqlite_place.cli("backup", "list", str(folder)).count("blobs") == 2


def test_files_that_are_there_are_replaced_only_by_force_and_under_the_running_service(
    new_place: Callable[[], Service], tmp_path: Path
) -> None:
    running, folder = new_place(), tmp_path / "backups"
    kept_id, content = _upload(running, b"kept")
    running.cli("backup", "create", str(folder))
    later_id, _ = _upload(running, b"later")
    [blob] = running.data_dir.glob(f"storage/blobs/*/*/{hashlib.sha256(content).hexdigest()}.*")
    blob.write_bytes(b"torn")

    with pytest.raises(RuntimeError, match="--force"):
        running.cli("backup", "restore", str(folder))
    untouched = running.request("GET", f"/download/{later_id}").content
    running.cli("backup", "restore", "--force", str(folder))

    assert untouched == b"later"
    assert running.request("GET", f"/download/{kept_id}").content == content
    assert running.request("GET", f"/download/{later_id}").status_code == 404
    assert "intact" in running.cli("audit", "verify").lower()


def test_a_flipped_byte_anywhere_is_found(sqlite_place: Service, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    _upload(sqlite_place, b"some content")
    sqlite_place.cli("backup", "create", str(folder))
    [backup_id] = backup_ids(folder)
    verify_backup(folder, backup_id)
    parts = [
        blob_location(folder, hashlib.sha256(b"some content").hexdigest()),
        *(folder / backup_id).iterdir(),
    ]

    for part in parts:
        _flip(part)
        with pytest.raises(BackupBroken, match="differ"):
            verify_backup(folder, backup_id)
        _flip(part)
    _flip(parts[0])

    with pytest.raises(RuntimeError, match="differ"):
        sqlite_place.cli("backup", "restore", "--force", str(folder))
    assert len(parts) == 7


def test_what_was_never_finished_is_no_backup_and_goes_with_the_next_one(
    sqlite_place: Service, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    partial = folder / ".partial-20260101T000000-000000"
    partial.mkdir(parents=True)
    (partial / "manifest.json").write_text("{}")

    listed = sqlite_place.cli("backup", "list", str(folder))
    sqlite_place.cli("backup", "create", str(folder))

    assert listed == ""
    assert not partial.exists()
    assert len(backup_ids(folder)) == 1


def test_content_that_was_damaged_already_is_named_and_not_backed_up(
    sqlite_place: Service, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    _upload(sqlite_place, b"sound")
    _, content = _upload(sqlite_place, b"rotten")
    digest = hashlib.sha256(content).hexdigest()
    [blob] = sqlite_place.data_dir.glob(f"storage/blobs/*/*/{digest}.*")
    _flip(blob)

    with pytest.raises(RuntimeError, match=digest):
        sqlite_place.cli("backup", "create", str(folder))

    assert not blob_location(folder, digest).exists()
    assert sqlite_place.cli("backup", "verify", str(folder))


@pytest.fixture
def sqlite_place(service: Callable[..., Service]) -> Service:
    """A running service on SQLite."""
    return service({"MIN_FREE_SPACE": "0"}, workers=1)


def _upload(service: Service, content: bytes) -> tuple[str, bytes]:
    answer = service.request("PUT", "/upload/a.bin", data=content)
    assert answer.status_code == 201
    return answer.json()["file_id"], content


def _blobs(folder: Path) -> list[Path]:
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]


def _backup_status(service: Service) -> str:
    return str(service.request("GET", "/health").json()["services"]["backup_service"]["status"])


def _actions(service: Service, token: str, action: str) -> list[Any]:
    answer = service.request(
        "GET",
        "/api/v1/audit/logs",
        params={"action": action},
        headers={"Authorization": f"Bearer {token}"},
    )
    return [row["status"] for row in answer.json()["logs"]]


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

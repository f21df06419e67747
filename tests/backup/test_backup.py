"""Backups: verified byte by byte, copied only once, found out when they change, and brought back over live data."""

import fcntl
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from filewallball.backup.manifest import (
    BackupBroken,
    backup_ids,
    blob_location,
    read_manifest,
    write_manifest,
)
from filewallball.backup.verify import verify_backup
from filewallball.files.name_backfill import NameBackfill
from filewallball.files.tables import files
from harness.parts import Parts
from harness.servers import Redis
from tests.access.people import client_of, new_token
from tests.backup.place import Place, blobs, flip
from tests.files.named import put_names
from tests.fixtures.earlier_layout import lay_out_as_before


def test_a_second_backup_copies_only_what_is_new(place: Place, folder: Path) -> None:
    place.upload(b"first")
    place.shell.run("backup", "create", str(folder))
    before = {path: path.stat().st_ino for path in blobs(folder)}
    place.upload(b"second")

    place.shell.run("backup", "create", str(folder))

    after = {path: path.stat().st_ino for path in blobs(folder)}
    assert (len(before), len(after)) == (1, 2)
    assert before.items() <= after.items()
    assert place.shell.run("backup", "list", str(folder)).count("blobs") == 2


def test_a_backup_that_is_whole_is_called_intact(place: Place, folder: Path) -> None:
    place.upload(b"content")
    made = place.shell.run("backup", "create", str(folder))

    assert place.shell.run("backup", "verify", str(folder)) == f"intact: {made}"


def test_files_that_are_there_are_replaced_only_by_force_and_under_the_running_service(
    either: Place, folder: Path
) -> None:
    kept_id = either.upload(b"kept")
    either.shell.run("backup", "create", str(folder))
    later_id = either.upload(b"later")
    either.blob_of(hashlib.sha256(b"kept").hexdigest()).write_bytes(b"torn")

    with pytest.raises(RuntimeError, match="--force"):
        either.shell.run("backup", "restore", str(folder))
    untouched = either.fetch(later_id)
    either.shell.run("backup", "restore", "--force", str(folder))

    assert untouched == (200, b"later")
    assert either.fetch(kept_id) == (200, b"kept")
    assert either.fetch(later_id)[0] == 404
    assert "Intact" in either.shell.run("audit", "verify")


def test_what_was_revoked_since_the_backup_stays_revoked(either: Place, folder: Path) -> None:
    owner, leaver, former = (
        client_of(either.app, new_token(either.app, name)) for name in ("owner", "leaver", "former")
    )
    file_id = owner.put("/upload/a.txt?visibility=private", data=b"content").get_json()["file_id"]
    lost, kept = (owner.post("/api/v1/links", json={"file_id": file_id}).get_json() for _ in range(2))
    either.shell.run("backup", "create", str(folder))
    owner.delete(f"/api/v1/links/{lost['link_id']}")
    either.shell.run("users", "change", "leaver", "--disable")
    (token,) = json.loads(either.shell.run("tokens", "list", "--user", "former", "--json"))
    either.shell.run("tokens", "revoke", str(token["id"]))

    told = either.shell.run("backup", "restore", "--force", str(folder))

    assert [owner.get(link["url"], buffered=True).status_code for link in (kept, lost)] == [200, 410]
    assert [client.get("/files").status_code for client in (owner, leaver, former)] == [200, 401, 401]
    assert sorted(re.findall("(.*) stay", told)) == ["links: 1", "tokens: 1", "users: 1"]


def test_files_of_an_earlier_layout_are_copied_and_brought_back_over_it(either: Place, folder: Path) -> None:
    kept_id, torn_id = either.upload(b"kept"), either.upload(b"whole")
    paths = lay_out_as_before(Parts(either.app))
    either.shell.run("backup", "create", str(folder))
    either.blob_of(hashlib.sha256(b"whole").hexdigest()).write_bytes(b"torn")

    either.shell.run("backup", "restore", "--force", str(folder))

    assert either.fetch(kept_id) == (200, b"kept")
    assert either.fetch(torn_id) == (200, b"whole")
    assert paths[0] in set(Parts(either.app).store.blobs())


def test_files_of_an_earlier_layout_are_brought_to_an_empty_place(
    place: Place, make_place: Callable[..., Place], folder: Path
) -> None:
    file_id = place.upload(b"kept")
    lay_out_as_before(Parts(place.app))
    place.shell.run("backup", "create", str(folder))
    other = make_place().prepare()

    other.shell.run("backup", "restore", str(folder))

    assert other.fetch(file_id) == (200, b"kept")


def test_a_backup_with_another_audit_key_waits_until_the_service_is_stopped(
    place: Place, make_place: Callable[..., Place], folder: Path
) -> None:
    file_id = place.upload(b"kept")
    place.shell.run("backup", "create", str(folder))
    other = make_place().prepare()
    with (other.data_dir / "slots" / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # as every process of a running service does
        with pytest.raises(RuntimeError, match="stop the service first"):
            other.shell.run("backup", "restore", "--force", str(folder))

    other.shell.run("backup", "restore", "--force", str(folder))

    assert other.fetch(file_id) == (200, b"kept")
    assert "Intact" in other.shell.run("audit", "verify")


def test_a_folder_that_is_not_there_is_no_empty_list(place: Place, folder: Path) -> None:
    with pytest.raises(RuntimeError, match="there is no folder"):
        place.shell.run("backup", "list", str(folder / "missing"))


def test_a_restore_empties_the_metadata_cache_and_renews_what_workers_remember(
    make_place: Callable[..., Place], redis_server: Redis, folder: Path
) -> None:
    place = make_place(REDIS_URL=redis_server.url).prepare()
    kept_id = place.upload(b"kept")
    place.shell.run("backup", "create", str(folder))
    later_id = place.upload(b"later")
    place.shell.run("blocks", "add", "203.0.113.9", "--reason", "later than the backup")
    blocked = Parts(place.app).gate.blocks
    blocked.refresh()
    assert blocked.find("203.0.113.9") is not None
    assert [place.fetch(later_id)[0] for _ in range(2)] == [200, 200]

    place.shell.run("backup", "restore", "--force", str(folder))

    assert place.fetch(later_id)[0] == 404
    assert place.fetch(kept_id) == (200, b"kept")
    blocked.refresh()
    assert blocked.find("203.0.113.9") is None


def test_statistics_after_a_restore_are_those_of_the_restored_log(either: Place, folder: Path) -> None:
    failed = either.fail_uploads(1)
    either.shell.run("backup", "create", str(folder))
    before = either.fail_uploads(2)

    either.shell.run("backup", "restore", "--force", str(folder))

    restored = either.fail_uploads(0)
    as_many_blocks_later = [either.fail_uploads(1) for _ in range(3)]
    assert (failed, before, restored) == (1, 3, 1)
    assert as_many_blocks_later == [2, 3, 4]


@pytest.mark.parametrize("restores_into_newer", [False, True])
def test_names_are_found_after_a_restore_whether_they_were_folded_yet_or_not(
    either: Place, folder: Path, restores_into_newer: bool
) -> None:
    parts = Parts(either.app)
    put_names(parts, ["OLD REPORT.txt"] * 300, folded=False)
    put_names(parts, ["NEW REPORT.txt"])
    either.shell.run("backup", "create", str(folder))
    backfill = NameBackfill(parts.database)
    if restores_into_newer:
        backfill.run()
        backfill.run()

    either.shell.run("backup", "restore", "--force", str(folder))
    before = either.client.get("/files?name=report").get_json()["total"]
    backfill.run()
    backfill.run()

    assert before == either.client.get("/files?name=report").get_json()["total"] == 301
    unfolded = select(func.count()).where(files.c.name_folded.is_(None))
    assert parts.database.scalar(unfolded) == 0


def test_a_backup_of_a_newer_release_is_refused_before_anything_is_replaced(
    place: Place, folder: Path
) -> None:
    file_id = place.upload(b"content")
    place.shell.run("backup", "create", str(folder))
    [backup_id] = backup_ids(folder)
    manifest = read_manifest(folder, backup_id)
    for name in ("manifest.json", "manifest.json.sha256"):
        (folder / backup_id / name).unlink()
    write_manifest(folder / backup_id, replace(manifest, revision="9999", version="99.0"))

    with pytest.raises(RuntimeError, match=r"99\.0"):
        place.shell.run("backup", "restore", "--force", str(folder))

    assert place.fetch(file_id) == (200, b"content")


def test_a_flipped_byte_anywhere_is_found(place: Place, folder: Path) -> None:
    place.upload(b"some content")
    place.shell.run("backup", "create", str(folder))
    [backup_id] = backup_ids(folder)
    verify_backup(folder, backup_id)
    parts = [
        blob_location(folder, hashlib.sha256(b"some content").hexdigest()),
        *(folder / backup_id).iterdir(),
    ]

    for part in parts:
        flip(part)
        with pytest.raises(BackupBroken, match="differ"):
            verify_backup(folder, backup_id)
        flip(part)
    flip(parts[0])

    with pytest.raises(RuntimeError, match="differ"):
        place.shell.run("backup", "restore", "--force", str(folder))
    assert len(parts) == 7


def test_an_upload_that_is_repeated_after_a_restore_is_answered_as_before(
    either: Place, folder: Path
) -> None:
    def send(key: str) -> tuple[bytes, bool]:
        answer = either.client.put("/upload/a.bin", data=b"content", headers={"Idempotency-Key": key})
        assert answer.status_code == 201
        return answer.data, "Idempotency-Replayed" in answer.headers

    kept, lost = str(uuid.uuid4()), str(uuid.uuid4())
    before, _ = send(kept)
    either.shell.run("backup", "create", str(folder))
    send(lost)

    either.shell.run("backup", "restore", "--force", str(folder))

    assert send(kept) == (before, True)
    assert not send(lost)[1]  # its file is not there either

"""Other users of the host reach neither database, logs nor secrets, whatever umask the service was started with."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball.doctor import host
from filewallball.settings.loading import load_settings
from filewallball.storage.file_modes import close_data, open_to_others
from harness.servers import Service
from harness.shell import Shell

OLD = {
    "": 0o755,
    "filewallball.db": 0o644,
    "filewallball.db-wal": 0o666,
    "audit-key": 0o644,
    "admin-token": 0o640,
    "journal": 0o777,
    "journal/0": 0o755,
    "journal/0/1.jsonl": 0o644,
    "logs/filewallball.log": 0o664,
    "logs/filewallball.log.1": 0o644,
    "storage": 0o755,
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A DATA_DIR as an earlier version left it under an open umask."""
    folder = tmp_path / "data"
    for name in ("", "journal/0", "logs", "storage"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, mode in OLD.items():
        path = folder / name
        if "." in name or "-" in name:
            path.touch()
        path.chmod(mode)
    return folder


def modes(folder: Path) -> dict[str, int]:
    return {name: stat.S_IMODE((folder / name).stat().st_mode) for name in OLD}


def test_what_was_open_is_closed(old: Path) -> None:
    settings = load_settings({"DATA_DIR": str(old)})
    before = host.file_modes(settings)

    close_data(settings)

    found = modes(old)
    assert before.status == "bad"
    assert host.file_modes(settings).status == "ok"
    assert (found["audit-key"], found["admin-token"]) == (0o600, 0o600)
    assert found[""] == found["journal"] == found["journal/0"] == found["storage"] == 0o750
    assert {mode for name, mode in found.items() if "." in name} == {0o640}


def test_what_is_not_the_services_stays_as_it_is(old: Path, tmp_path: Path) -> None:
    (old / "notes.txt").touch()
    (old / "notes.txt").chmod(0o644)
    (tmp_path / "elsewhere").touch()
    (tmp_path / "elsewhere").chmod(0o644)
    (old / "journal" / "link").symlink_to(tmp_path / "elsewhere")

    close_data(load_settings({"DATA_DIR": str(old)}))

    for path in (old / "notes.txt", tmp_path / "elsewhere"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_folder_that_is_everybodys_stays_so(old: Path) -> None:
    old.chmod(0o1777)

    close_data(load_settings({"DATA_DIR": str(old)}))

    assert stat.S_IMODE(old.stat().st_mode) == 0o1777


def test_prepare_closes_what_is_open(tmp_path: Path) -> None:
    shell = Shell({"DATA_DIR": str(tmp_path / "data")})
    shell.run("prepare")
    for path in (tmp_path / "data", tmp_path / "data" / "filewallball.db"):
        path.chmod(0o755)

    shell.run("prepare")

    assert open_to_others(load_settings(shell.environ)) == []


def test_the_command_line_opens_nothing_under_an_open_umask(tmp_path: Path) -> None:
    shell = Shell({"DATA_DIR": str(tmp_path / "data")})
    before = os.umask(0)
    try:
        shell.run("prepare")
    finally:
        os.umask(before)

    assert open_to_others(load_settings(shell.environ)) == []


def test_a_service_that_is_started_under_an_open_umask_opens_nothing(service: Callable[..., Service]) -> None:
    before = os.umask(0)
    try:
        server = service({"RATELIMIT_API": "1000/hour"})
        assert server.request("PUT", "/upload/a.txt", data=b"words").status_code == 201
    finally:
        os.umask(before)

    assert [path for path in server.data_dir.rglob("*") if path.lstat().st_mode & 0o027] == []
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o750
    blobs = [path for path in (server.data_dir / "storage").rglob("*.*") if path.is_file()]
    assert all(path.stat().st_mode & 0o040 for path in blobs), "nginx reads them by its group"

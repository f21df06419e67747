"""Power cuts: the disk under a busy service is cut at points of its log, and the service starts on what is left."""

import hashlib
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest
import requests

from harness import ROOT
from harness.disk import PowerCuts, RecordedDisk, mounted, survivors
from harness.servers import Front, Service
from harness.waiting import wait_until
from tests.integration.promises import Clients, Promises

SETTINGS = {
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "SYNC_WORKERS": "2",
    "MIN_FREE_SPACE": "0",
    "RATELIMIT_ENFORCE": "false",
    "LOG_LEVEL": "WARNING",
}
pytestmark = pytest.mark.server

_PROOFS = (
    "from filewallball.cli import main; main(['audit', 'verify'], standalone_mode=False); main(['reconcile'])"
)
_FILES_BEFORE = 4_995
"""Files in the first folder, which is full at 5,000, so that the clients fill it and begin the next."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What clients were promised while the log of a disk was written."""

    disk: RecordedDisk
    promises: Promises
    audit_sync: str


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[[int, int], Recording]]:
    """Runs a service with clients on a recorded disk: `record(3, 100)` with the third chance and 100 answers each."""
    disks: list[RecordedDisk] = []
    running: list[Service | Front] = []

    def run(seed: int, answers: int) -> Recording:
        disk = RecordedDisk(tmp_path / f"disk-{seed}")
        disks.append(disk)
        disk.start()
        audit_sync = ("full", "second")[seed % 2]
        settings = {**SETTINGS, "AUDIT_SYNC": audit_sync, "X_ACCEL": "true"}
        server = Service(tmp_path / f"service-{seed}", {**settings, "DATA_DIR": str(disk.folder / "data")})
        front = Front(tmp_path / f"front-{seed}")
        running.extend((server, front))
        front.ship(server.environment())
        server.start()
        front.start()
        blobs = disk.folder / "data" / "storage" / "blobs"
        _fill_first_folder(blobs)
        promises = Promises(lambda: disk.position)
        for clients in (4, 1):
            enough = len(promises.answered) + answers
            with Clients(server.url, front.url, promises, clients=clients, seed=seed) as load:
                wait_until(
                    partial(_has_answered, load, promises, enough), 120, "the clients have their answers"
                )
        front.kill()
        server.kill()
        assert (blobs / "00000002").is_dir(), "the clients have filled the first folder"
        disk.stop()
        return Recording(disk, promises, audit_sync)

    yield run
    for server in running:
        server.kill()
    for disk in disks:
        disk.stop()


def test_whatever_was_acknowledged_holds_after_a_power_cut(
    record: Callable[[int, int], Recording], rounds: Callable[[int, int], int], tmp_path: Path
) -> None:
    for seed in range(rounds(1, 8)):
        recording, chance = record(seed, rounds(40, 250)), random.Random(seed)
        cuts = PowerCuts(recording.disk.blank, recording.disk.log, tmp_path / "image")
        positions = chance.sample(recording.promises.moments(), rounds(3, 30))
        positions += [chance.randint(0, recording.disk.position) for _ in range(rounds(0, 10))]
        kinds = [survivors.none, survivors.some(chance), survivors.every]
        for position, survive in zip(sorted(positions), cycle(kinds), strict=False):
            with mounted(cuts.image(position, survive), tmp_path / "recovered") as folder:
                _check(recording, position, folder / "data", tmp_path / f"{seed}-{position}")
        recording.disk.remove()


def _has_answered(load: Clients, promises: Promises, enough: int) -> bool:
    assert load.is_running(), "a client got another answer than it was due"
    return len(promises.answered) >= enough


def _fill_first_folder(blobs: Path) -> None:
    folder = blobs / "00000001"
    folder.mkdir()
    for number in range(_FILES_BEFORE):
        (folder / f"filler-{number}").touch()


def _check(recording: Recording, cut: int, data: Path, folder: Path) -> None:
    """Start the service on what the cut left and hold it to its promises."""
    server = Service(folder, {**SETTINGS, "AUDIT_SYNC": recording.audit_sync, "DATA_DIR": str(data)})
    try:
        server.start()
        _check_files(server, recording.promises, cut)
        _prove(server)
        with closing(sqlite3.connect(f"file:{data / 'filewallball.db'}?mode=ro", uri=True)) as connection:
            states = dict(connection.execute("SELECT file_id, state FROM files"))
            assert {states[name] for name in recording.promises.gone_at(cut)} <= {"deleted"}
            _check_bytes(connection, recording.promises, data / "storage" / "blobs")
            wait_until(partial(_are_on_record, connection, recording, cut), what="all is on record")
    finally:
        server.kill()


def _prove(server: Service) -> None:
    """Verify the audit log and reconcile, in a process of their own: this one would keep files of the disk open."""
    done = subprocess.run(
        [sys.executable, "-c", _PROOFS], cwd=ROOT, env=server.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{server.log_text()}"


def _check_files(server: Service, promises: Promises, cut: int) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for file_id, kept in promises.kept_at(cut).items():
            answer = session.get(f"{server.url}/download/{file_id}", timeout=60)
            assert answer.status_code == 200, f"{file_id} was acknowledged and answers {answer.status_code}"
            assert hashlib.sha256(answer.content).hexdigest() == kept.sha256


def _check_bytes(connection: sqlite3.Connection, promises: Promises, blobs: Path) -> None:
    """Each file with a row, acknowledged or not, has the bytes that were sent under its name."""
    statement = (
        "SELECT f.filename, b.path FROM files f JOIN blobs b ON b.id = f.blob_id WHERE f.state = 'live'"
    )
    for name, path in connection.execute(statement):
        assert hashlib.sha256((blobs / path).read_bytes()).hexdigest() == promises.sent[name]


def _are_on_record(connection: sqlite3.Connection, recording: Recording, cut: int) -> bool:
    """A change has one row in the audit log; so has everything else where each line of the journal is synced."""
    promises, rows, refused = recording.promises, Counter[str](), 0
    statement = "SELECT request_id, error_type, count FROM audit_log"
    for request_id, error_type, count in connection.execute(statement):
        rows[request_id] += count
        refused += count * (error_type == "forbidden")
    assert [one for one in promises.answered if rows[one] > 1] == []
    if recording.audit_sync != "full":
        return True
    answered = [one for one, at in promises.answered.items() if at <= cut]
    return all(map(rows.get, answered)) and refused >= sum(1 for at in promises.refused if at <= cut)

"""A service whose code is replaced under it, as an upgrade in place does, and the release before this one."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import psutil

from harness import ROOT
from harness.servers import MariaDB, Service
from harness.servers.mariadb import database_name
from harness.waiting import wait_until

_PREVIOUS = "45bcf7df38901311d8c873077aa497b1f92d9cf7"
"""The last commit before processes had roles and blobs numbered folders."""
_CODE = ("filewallball", "migrations", "gunicorn.conf.py", "wsgi.py")
_PROGRAM = "import sys; from filewallball.cli import main; sys.exit(main())"
_GUIDE = ROOT / "docs" / "deploy.md"


class Installed(Service):
    """A service that runs from a folder which is now one release, now another."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        super().__init__(folder, settings)
        self.code = folder / "code"
        configuration = str(self.code / "gunicorn.conf.py")
        self._arguments = ["--chdir", str(self.code), "--no-control-socket", "-c", configuration, "wsgi:app"]

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PYTHONPATH": str(self.code), "PYTHONDONTWRITEBYTECODE": "1"}

    def install(self, tree: Path) -> None:
        """From the next start on it is this release, in the same folder: what runs already finds its code gone."""
        following = self.folder / "next"
        following.mkdir()
        for name in _CODE:
            subprocess.run(["cp", "--recursive", str(tree / name), str(following)], check=True)
        if self.code.exists():
            self.code.rename(self.folder / f"replaced-{len(list(self.folder.glob('replaced-*')))}")
        following.rename(self.code)

    def command_line(self, *arguments: str) -> str:
        """What `filewallball ...` of the installed release prints; raises when it fails."""
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, *arguments],
            cwd=self.code,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def succeed(self) -> None:
        """Let a new master take over (USR2), and end the old one; the service then goes by `stop_successor`."""
        old = psutil.Process(self.master_pid)
        os.kill(old.pid, signal.SIGUSR2)
        new = wait_until(lambda: _successor(old), 60, "a new master")
        assert new is not None
        wait_until(lambda: len(new.children()) > 1, 60, "its workers")
        old.terminate()
        wait_until(lambda: not self.is_running(), 60, "the old master is gone")
        self._successor = new

    def stop_successor(self) -> None:
        self._successor.terminate()
        with suppress(psutil.NoSuchProcess):
            self._successor.wait(60)


def previous_release(folder: Path) -> Path | None:
    """Its code; None where the repository has no history, as in a shallow clone."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", _PREVIOUS]
    made = subprocess.run(command, capture_output=True, check=False)
    if made.returncode:
        return None
    subprocess.run(["tar", "-x", "-C", str(folder)], input=made.stdout, check=True)
    return folder


def bring_files_back(service: Installed, database: MariaDB | None) -> None:
    """What docs/deploy.md says to do with the files before an earlier release starts again."""
    section = _GUIDE.read_text().partition("\n## Upgrading, going back\n")[2].partition("\n## ")[0]
    [script] = [
        text for text in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) if "storage/blobs" in text
    ]
    [statement] = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    script = script.replace("/var/lib/filewallball", str(service.data_dir)).replace(
        "chown -R filewallball: . && ", ""
    )
    subprocess.run(["sh", "-e", "-c", script], check=True)
    if database is not None:
        database.execute(
            statement.partition(";")[0], database=database_name(service.settings["DATABASE_URL"])
        )
        return
    with closing(sqlite3.connect(service.data_dir / "filewallball.db")) as connection, connection:
        connection.create_function("CONCAT", -1, lambda *parts: "".join(parts))
        connection.execute(statement)


def _successor(master: psutil.Process) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):  # workers come and go meanwhile
        return next((child for child in master.children() if "GUNICORN_PID" in child.environ()), None)
    return None

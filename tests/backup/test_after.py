"""`backup create` goes into a folder that is there, and runs BACKUP_AFTER when the backup is taken."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball.backup.manifest import backup_ids
from filewallball.settings.loading import ConfigError, load_settings
from tests.backup.place import Place

_TELL = """\
import os, sys
names = [name for name in os.environ if name.startswith("FILEWALLBALL_") or name == "ADMIN_TOKEN"]
with open(sys.argv[1], "w") as file:
    print(*sys.argv[2:], *(f"{name}={os.environ[name]}" for name in sorted(names)), sep="\\n", file=file)
"""


def test_a_folder_that_is_not_there_is_refused_and_made_on_request(place: Place, tmp_path: Path) -> None:
    missing = tmp_path / "not" / "mounted"

    with pytest.raises(
        RuntimeError, match=rf"\nfilewallball: there is no folder {missing}; --create makes it\n"
    ):
        place.shell.run("backup", "create", str(missing))
    was_made = missing.parent.exists()
    place.shell.run("backup", "create", "--create", str(missing))
    place.shell.run("backup", "create", "--create", str(missing))

    assert not was_made
    assert len(backup_ids(missing)) == 2
    assert missing.stat().st_mode & 0o777 == 0o700


def test_the_command_learns_of_the_backup_and_no_secret_and_no_shell_reads_it(
    make_place: Callable[..., Place], tmp_path: Path, folder: Path
) -> None:
    script, told = tmp_path / "tell.py", tmp_path / "told"
    script.write_text(_TELL)
    after = f"{sys.executable} {script} {told} '$HOME; two words' >x"
    place = make_place(BACKUP_AFTER=after, ADMIN_TOKEN="fwb_" + "a" * 30).prepare()

    place.shell.run("backup", "create", str(folder))

    assert told.read_text().splitlines() == [
        "$HOME; two words",
        ">x",
        f"FILEWALLBALL_BACKUP_FOLDER={folder}",
        f"FILEWALLBALL_BACKUP_ID={backup_ids(folder)[0]}",
    ]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false", "false ended with exit code 1"),
        ("/no/such/program --now", "/no/such/program: No such file or directory"),
        ("sh -c 'kill -9 $$'", "sh was ended by signal 9"),
    ],
)
def test_a_command_that_fails_is_told_and_the_backup_stays(
    make_place: Callable[..., Place], folder: Path, command: str, said: str
) -> None:
    place = make_place(BACKUP_AFTER=command).prepare()

    with pytest.raises(
        RuntimeError, match=f"\nfilewallball: the backup is there, but BACKUP_AFTER failed: {said}\n"
    ):
        place.shell.run("backup", "create", str(folder))

    assert place.shell.run("backup", "verify", str(folder)).startswith("intact")


def test_nothing_is_run_after_a_backup_that_failed(
    make_place: Callable[..., Place], tmp_path: Path, folder: Path
) -> None:
    place = make_place(BACKUP_AFTER=f"touch {tmp_path / 'ran'}", MIN_FREE_SPACE="0").prepare()
    place.upload(b"content")
    place.shell.environ["MIN_FREE_SPACE"] = str(os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize)

    with pytest.raises(RuntimeError, match="MIN_FREE_SPACE"):
        place.shell.run("backup", "create", str(folder))

    assert not (tmp_path / "ran").exists()


def test_a_command_that_cannot_be_split_into_words_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="BACKUP_AFTER: has a quotation mark without its other half"):
        load_settings({"BACKUP_AFTER": "restic 'backup"})

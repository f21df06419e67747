"""A file of settings: what the environment leaves out, from a file that nobody else may write."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from filewallball.cli import main
from filewallball.settings.env_file import read_env_file
from filewallball.settings.loading import ConfigError


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "BIND", "AUDIT_SEAL_KEY"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)


def test_what_the_environment_leaves_out_is_read_from_the_file_of_this_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("# the service\nPORT=9000\nexport BIND='::1'\nAUDIT_SEAL_KEY=\"a $b #c\"\n")
    monkeypatch.setenv("BIND", "127.0.0.2")

    read_env_file(Path(".env"))

    assert {name: os.environ[name] for name in ("PORT", "BIND", "AUDIT_SEAL_KEY")} == {
        "PORT": "9000",
        "BIND": "127.0.0.2",
        "AUDIT_SEAL_KEY": "a $b #c",
    }


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"other\.env: No such file"):
        read_env_file(tmp_path / "other.env")


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"PORT=9000\n", 0o646, "anybody may write to it"),
        (b"PORT=9000\n", 0o664, "its group may write to it"),
        (b"PORT=9000\nRATELIMIT_AUTH: 5/hour\n", 0o600, "line 2 is no setting"),
        (b"this is no setting\nPORT=9000\n", 0o600, "line 1 is no setting"),
        (b"AUDIT_SEAL_KEY='not closed\nPORT=9000\n", 0o600, "line 1 is no setting"),
        (b"PORT=9000\n=5\n", 0o600, "line 2 is no setting"),
        (b"PO-RT=1\nPORT=9000\n", 0o600, "line 1 is no setting"),
        (b"PORT=9000\nBIND=a\0b\n", 0o600, "NUL byte"),
        (b"PORT\n", 0o600, "PORT has no value"),
        (b"PORT=\xff\xfe\n", 0o600, "is not UTF-8"),
    ],
)
def test_a_file_that_is_unsafe_or_unreadable_is_refused(content: bytes, mode: int, message: str) -> None:
    Path(".env").write_bytes(content)
    Path(".env").chmod(mode)

    with pytest.raises(ConfigError, match=message):
        read_env_file(Path(".env"))

    assert "PORT" not in os.environ


def test_a_folder_holds_no_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        read_env_file(tmp_path)


def test_a_virtual_environment_of_that_name_is_no_file_of_settings() -> None:
    Path(".env").mkdir()
    Path("backups").mkdir()

    result = CliRunner().invoke(main, ["backup", "list", "backups"])

    assert (result.exit_code, "directory" in result.output) == (0, False)


def test_a_file_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PORT=9000\n")
    monkeypatch.setattr(os, "geteuid", lambda: Path(".env").stat().st_uid + 1)

    if Path(".env").stat().st_uid == 0:
        os.chown(".env", 12345, -1)
    with pytest.raises(ConfigError, match="another user"):
        read_env_file(Path(".env"))

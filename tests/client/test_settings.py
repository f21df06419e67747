"""Where the server and the token come from, and which files with a token are refused."""

from pathlib import Path

import pytest

from filewallball_client.errors import SettingsError
from filewallball_client.settings import load_settings

TOKEN = "fwb_some-token"


def token_file(folder: Path, mode: int = 0o600, text: str = f"{TOKEN}\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def configure(home: Path, text: str) -> None:
    folder = home / ".config" / "fwb"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text)


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), **more}


def test_an_argument_goes_before_the_environment_and_that_before_the_configuration(tmp_path: Path) -> None:
    configure(tmp_path, 'server = "http://configured"')

    assert load_settings(environ=environ(tmp_path)).server == "http://configured"
    assert load_settings(environ=environ(tmp_path, FWB_SERVER="http://set")).server == "http://set"
    assert (
        load_settings("http://given", environ=environ(tmp_path, FWB_SERVER="http://set")).server
        == "http://given"
    )


def test_the_token_comes_from_the_environment_or_from_a_file_of_its_owner(tmp_path: Path) -> None:
    usual = token_file(tmp_path / ".config" / "fwb")
    other = token_file(tmp_path / "other", text="fwb_other")

    assert load_settings(environ=environ(tmp_path)).token == TOKEN
    assert load_settings(environ=environ(tmp_path, FWB_TOKEN="fwb_set")).token == "fwb_set"
    assert load_settings(environ=environ(tmp_path, FWB_TOKEN_FILE=str(other))).token == "fwb_other"
    assert load_settings("", str(other), environ=environ(tmp_path, FWB_TOKEN="fwb_set")).token == "fwb_other"
    configure(tmp_path, 'token_file = "~/other/token"')
    usual.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        assert load_settings(environ=environ(tmp_path)).token == "fwb_other"


def test_without_any_the_caller_is_anonymous(tmp_path: Path) -> None:
    assert load_settings(environ=environ(tmp_path)).token == ""
    assert load_settings(environ={}).state_folder is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o700, 0o4600 | 0o077])
def test_a_token_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = token_file(tmp_path, mode)

    with pytest.raises(SettingsError, match="mode 0600"):
        load_settings("", str(path), environ=environ(tmp_path))


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_token_that_its_owner_alone_may_read_is_taken(tmp_path: Path, mode: int) -> None:
    assert load_settings("", str(token_file(tmp_path, mode)), environ=environ(tmp_path)).token == TOKEN


@pytest.mark.parametrize("text", ["", "\n", "\xff"])
def test_a_file_without_a_token_never_makes_its_user_anonymous(tmp_path: Path, text: str) -> None:
    token_file(tmp_path / ".config" / "fwb", text=text)

    with pytest.raises(SettingsError):
        load_settings(environ=environ(tmp_path))


def test_what_is_named_and_cannot_be_read_never_makes_its_user_anonymous(tmp_path: Path) -> None:
    (tmp_path / ".config" / "fwb").mkdir(parents=True)
    (tmp_path / ".config" / "fwb" / "token").symlink_to(tmp_path / "nowhere")

    with pytest.raises(SettingsError, match="No such file"):
        load_settings(environ=environ(tmp_path))
    with pytest.raises(SettingsError, match="is empty"):
        load_settings(environ=environ(tmp_path, FWB_TOKEN=" "))
    with pytest.raises(SettingsError, match="regular file"):
        load_settings("", "/dev/null", environ=environ(tmp_path))


@pytest.mark.parametrize(
    "text", ["server = 1", "server", 'token = "fwb_secret"', 'sever = "http://a"', "\xff"]
)
def test_a_configuration_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    configure(tmp_path, "")
    (tmp_path / ".config" / "fwb" / "config.toml").write_bytes(text.encode("latin-1"))

    with pytest.raises(SettingsError, match=r"config\.toml") as caught:
        load_settings(environ=environ(tmp_path))

    assert "secret" not in str(caught.value)


def test_what_is_remembered_lies_where_the_user_keeps_state(tmp_path: Path) -> None:
    assert load_settings(environ=environ(tmp_path)).state_folder == tmp_path / ".local" / "state" / "fwb"
    assert load_settings(environ=environ(tmp_path, XDG_STATE_HOME="/s")).state_folder == Path("/s/fwb")


@pytest.mark.parametrize("token", ["Bearer fwb_secret", "fwb_secret\nmore", "토큰secret", "secret" * 100])
@pytest.mark.parametrize("place", ["FWB_TOKEN", "FWB_DELETE_TOKEN", "token_file"])
def test_what_is_no_token_is_told_with_where_it_was_found(tmp_path: Path, token: str, place: str) -> None:
    found = {place: token}
    if place == "token_file":
        path = token_file(tmp_path, text=token) if token.isascii() else token_file(tmp_path, text="a b")
        found = {"FWB_TOKEN_FILE": str(path)}
        place = str(path)

    with pytest.raises(SettingsError) as refused:
        load_settings(environ=environ(tmp_path, **found))

    assert str(refused.value).startswith(place)
    assert "secret" not in str(refused.value)

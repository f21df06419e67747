"""What each command of `fwb` does, prints and returns."""

import hashlib
import os
from pathlib import Path

import pytest

from filewallball_client import Client
from harness.servers import Service
from tests.client.command import Fwb
from tests.client.conftest import ADMIN_TOKEN

NAMES = [
    "한글 이름.txt",
    "a b&c=d#e?f%20g.txt",
    "quo\"te's;.txt",
    "back\\slash.txt",
    "new\nline\x1b[31m.txt",
    "-o",
    "é.txt",
]


def write(folder: Path, name: str, content: bytes = b"some words\n") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_an_upload_prints_the_address_of_the_file_alone(fwb: Fwb, service: Service, tmp_path: Path) -> None:
    done = fwb("upload", write(tmp_path, "words.txt"))

    assert (done.code, done.err) == (0, "")
    assert service.request("GET", done.out.strip().removeprefix(service.url)).content == b"some words\n"


def test_options_reach_the_service_as_they_were_written(fwb: Fwb, tmp_path: Path) -> None:
    path = write(tmp_path, "words.txt")

    done = fwb("upload", path, "--public", "--expires", "7d", "--description", "설명 & more", "--json")

    (record,) = done.records
    assert (record["visibility"], record["description"]) == ("public", "설명 & more")
    assert record["expires_at"] > record["upload_time"]
    assert record["path"] == str(path)
    assert record["file_hash"] == hashlib.sha256(b"some words\n").hexdigest()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_comes_back_with_its_bytes(fwb: Fwb, tmp_path: Path, name: str) -> None:
    content = name.encode()
    (uploaded,) = fwb("upload", "--json", "--", write(tmp_path, name, content)).records
    folder = tmp_path / "fetched"
    folder.mkdir()

    done = fwb("get", uploaded["file_id"], "-o", folder)

    (fetched,) = folder.iterdir()
    assert done.code == 0
    assert fetched.read_bytes() == content
    assert fetched.name.isprintable()
    assert not fetched.name.startswith(("-", "."))


def test_a_name_that_is_no_utf_8_is_sent_as_well_as_it_can_be(fwb: Fwb, tmp_path: Path) -> None:
    name = os.fsdecode(b"bad\xff.bin")

    (record,) = fwb("upload", write(tmp_path, name), "--json").records

    assert record["filename"] == "bad\ufffd.bin"


def test_folders_are_uploaded_with_all_they_hold_but_not_what_links_lead_to(fwb: Fwb, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deeper").mkdir(parents=True)
    write(folder, "a.txt")
    write(folder / "deeper", "b.txt")
    (folder / "link.txt").symlink_to(write(tmp_path, "outside.txt"))
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe")

    done = fwb("upload", folder, "--json")

    assert [record["filename"] for record in done.records] == ["a.txt", "b.txt"]
    assert done.code == 0
    assert "link.txt: is a symbolic link, and was left out" in done.err
    assert "round: is a symbolic link, and was left out" in done.err
    assert "pipe: is no regular file, and was left out" in done.err


def test_standard_input_is_uploaded_under_its_name(fwb: Fwb, service: Service) -> None:
    done = fwb("upload", "-", "--name", "표준.txt", "--json", stdin=b"from a pipe")

    (record,) = done.records
    assert (record["filename"], record["file_size"], record["path"]) == ("표준.txt", 11, "-")


def test_an_empty_file_goes_both_ways(fwb: Fwb, tmp_path: Path) -> None:
    url = fwb("upload", write(tmp_path, "empty", b"")).out.strip()

    assert fwb("get", url, "-o", tmp_path / "fetched").code == 0
    assert (tmp_path / "fetched").read_bytes() == b""


def test_of_several_files_one_refused_does_not_hold_up_the_others(fwb: Fwb, tmp_path: Path) -> None:
    program = write(tmp_path, "a.txt", Path("/bin/true").read_bytes())

    done = fwb("upload", program, tmp_path / "missing", write(tmp_path, "c.txt"), "--json")

    refused, missing, stored = done.records
    assert done.code == 1
    assert refused["error"]["code"] == "invalid_file_type"
    assert refused["error"]["request_id"]
    assert "No such file" in missing["error"]["title"]
    assert stored["filename"] == "c.txt"


def test_a_refusal_is_told_in_words_with_its_code_and_request(fwb: Fwb, tmp_path: Path) -> None:
    done = fwb("upload", write(tmp_path, "a.txt"), "--expires", "soon")

    assert (done.code, done.out) == (1, "")
    assert "A field is not valid: expires_in: Not a duration such as 30s, 12h or 7d." in done.err
    assert "(code validation_error, request req_" in done.err


def test_whoever_uploaded_without_a_token_may_delete_from_the_same_home(fwb: Fwb, tmp_path: Path) -> None:
    url = fwb("upload", write(tmp_path, "a.txt")).out.strip()

    assert fwb("rm", url, HOME=str(tmp_path)).code == 1
    assert fwb("rm", url).code == 0
    assert fwb("info", url).code == 1


def test_a_delete_token_may_come_from_the_environment(fwb: Fwb, tmp_path: Path) -> None:
    (record,) = fwb("upload", write(tmp_path, "a.txt"), "--json").records

    done = fwb("rm", record["file_id"], HOME=str(tmp_path), FWB_DELETE_TOKEN=record["delete_token"])

    assert (done.code, done.out) == (0, f"deleted {record['file_id']}\n")


def test_info_tells_what_the_service_knows(fwb: Fwb, tmp_path: Path) -> None:
    url = fwb("upload", write(tmp_path, "a.txt")).out.strip()

    lines = fwb("info", url).lines

    assert "filename: a.txt" in lines
    assert f"download_url: {url}" in lines
    assert fwb("info", url, "--json").records[0]["download_url"] == url


def test_a_list_has_a_line_for_each_file_and_says_when_there_are_more(fwb: Fwb, tmp_path: Path) -> None:
    for number in range(3):
        fwb("upload", write(tmp_path, f"listed-{number}.txt"), "--public")

    done = fwb("ls", "--name", "listed-", "--limit", "2")

    cells = [line.split("\t") for line in done.lines]
    assert [row[4] for row in cells] == ["listed-2.txt", "listed-1.txt"]
    assert "There are more than 2" in done.err
    assert len(fwb("ls", "--name", "listed-", "--limit", "0", "--json").records) == 3


def test_a_file_that_exists_is_replaced_only_by_force(fwb: Fwb, tmp_path: Path) -> None:
    url = fwb("upload", write(tmp_path, "a.txt")).out.strip()
    target = write(tmp_path, "target.txt", b"precious")

    refused = fwb("get", url, "-o", target)

    assert (refused.code, target.read_bytes()) == (1, b"precious")
    assert "exists already; --force replaces it" in refused.err
    assert fwb("get", url, "-o", target, "--force").code == 0
    assert target.read_bytes() == b"some words\n"


def test_a_download_may_go_to_standard_output(fwb: Fwb, tmp_path: Path) -> None:
    url = fwb("upload", write(tmp_path, "a.txt")).out.strip()

    done = fwb("get", url, "-o", "-")

    assert (done.code, done.out, done.err) == (0, "some words\n", "")


def test_a_token_goes_to_its_own_service_and_to_no_other(
    fwb: Fwb, client: Client, service: Service, tmp_path: Path
) -> None:
    url = client.upload(write(tmp_path, "secret.txt"), visibility="private").download_url

    with_token = fwb("info", url, FWB_TOKEN=ADMIN_TOKEN)
    elsewhere = fwb("info", url, FWB_TOKEN=ADMIN_TOKEN, FWB_SERVER="http://127.0.0.1:9")

    assert with_token.code == 0
    assert elsewhere.code == 1
    assert "without the token" in elsewhere.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["upload", "-"], "needs a --name"),
        (["upload", "a", "b", "--name", "c"], "--name is for one file"),
        (["get", "http://127.0.0.1/elsewhere"], "neither a file's id nor its URL"),
        (["get", "a", "b", "-o", "c"], "must be a folder"),
        (["ls", "--limit", "-1"], "is no count"),
        (["ls", "--server", "ftp://files.example.org"], "must read http://host or https://host"),
        (["ls", "--server", "http://me:secret@127.0.0.1"], "must not hold credentials"),
        (["ls", "--token", "fwb_secret"], "never an argument"),
        (["--token=fwb_secret", "ls"], "never an argument"),
        (["upload", "a", "--public", "--private"], "not allowed with"),
    ],
)
def test_wrong_usage_is_refused_with_2(fwb: Fwb, arguments: list[str], told: str) -> None:
    done = fwb(*arguments)

    assert done.code == 2
    assert told in done.err
    assert "secret" not in done.err


def test_a_service_that_is_not_there_is_told_with_3(fwb: Fwb) -> None:
    done = fwb("ls", "--retry-max-time", "0", FWB_SERVER="http://127.0.0.1:9")

    assert done.code == 3
    assert "http://127.0.0.1:9 cannot be reached: Connection refused" in done.err

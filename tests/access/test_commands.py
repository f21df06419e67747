"""The command line does what the routes do, and says what went wrong in one line."""

import json
import os
import pwd
import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from harness.servers import Service
from harness.shell import Shell
from tests.conftest import ADMIN_TOKEN


@pytest.fixture
def machine(tmp_path: Path) -> Service:
    """A prepared service that does not run: the commands need no server."""
    machine = Service(tmp_path / "machine", {"ADMIN_TOKEN": ADMIN_TOKEN})
    machine.cli("prepare")
    return machine


def test_users_tokens_and_blocks_are_managed_from_the_shell(machine: Service) -> None:
    machine.cli("users", "create", "alice", "--role", "monitor")
    token = machine.cli("tokens", "create", "alice", "--name", "ci", "--expires-in", "90d").strip()
    rotated = machine.cli("tokens", "rotate", "2", "--grace", "1h").strip()
    machine.cli("tokens", "revoke", "3")
    machine.cli("users", "change", "alice", "--disable")
    machine.cli("blocks", "add", "2001:db8::1", "--reason", "scans", "--for", "1h")
    lifted = machine.cli("blocks", "lift", "1")

    assert token.startswith("fwb_")
    assert rotated.startswith("fwb_")
    assert lifted == "block 1 is lifted\n"
    assert token not in machine.cli("tokens", "list")
    assert "monitor" in machine.cli("users", "list")
    assert "2001:db8::/64" in machine.cli("blocks", "list", "--all")
    assert "2001:db8::/64" not in machine.cli("blocks", "list")


@pytest.mark.parametrize(
    "arguments",
    [
        ["users", "change", "nobody", "--role", "user"],
        ["users", "change", "admin", "--role", "user"],
        ["tokens", "revoke", "99"],
        ["blocks", "add", "nonsense", "--reason", "x"],
        ["blocks", "add", "fe80::%eth0/64", "--reason", "x"],
    ],
)
def test_a_refusal_is_one_clear_line(machine: Service, arguments: list[str]) -> None:
    with pytest.raises(RuntimeError) as failure:
        machine.cli(*arguments)

    assert "filewallball: " in str(failure.value)
    assert "Traceback" not in str(failure.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ["tokens", "create", "admin", "--name", "x" * 129],
        ["tokens", "create", "admin", "--name", "two\nlines"],
        ["tokens", "revoke", str(2**63)],
        ["blocks", "lift", str(2**63)],
        ["quotas", "set", "admin", "--bytes", "10EB"],
        ["quotas", "set", "admin", "--files", "-1"],
    ],
)
def test_a_value_that_the_api_refuses_is_a_wrong_use_of_the_command_line(
    machine: Service, arguments: list[str]
) -> None:
    with pytest.raises(RuntimeError, match="Invalid value"):
        machine.cli(*arguments)


def test_what_the_command_line_does_names_the_person_at_it(machine: Service) -> None:
    sudo = Shell({**machine.environment(), "SUDO_USER": "bob\x1b[2J"})
    sudo.run("users", "create", "alice")
    sudo.run("drain", "on")
    with pytest.raises(RuntimeError):
        sudo.run("blocks", "add", "127.0.0.1", "--reason", "x")
    machine.cli("drain", "off")
    machine.cli("maintain", "--once")

    listed = machine.cli("audit", "export", "--format", "ndjson")
    rows = {row["action"]: row for row in map(json.loads, listed.splitlines())}
    operators = {action: row["details"].get("operator") for action, row in rows.items()}

    me = {"uid": os.getuid(), "user": pwd.getpwuid(os.getuid()).pw_name}
    for action in ("token:create", "user:create", "drain:on", "drain:off", "block:add"):
        assert operators[action].items() >= me.items()
    assert operators["audit:verify"] is None, "what the service does by itself names nobody"
    for action in ("user:create", "drain:on", "block:add"):
        assert operators[action]["sudo_user"] == "bob\N{REPLACEMENT CHARACTER}[2J"
        assert rows[action]["username"] == "system"
    assert "sudo_user" not in operators["drain:off"]
    assert "Intact" in machine.cli("audit", "verify")


def test_every_list_is_json_for_programs(machine: Service) -> None:
    machine.cli("users", "create", "kim")
    machine.cli("tokens", "create", "kim", "--name", "모니터")
    machine.cli("blocks", "add", "198.51.100.0/24", "--reason", "noise")
    lists = {
        name: json.loads(machine.cli(*name.split(), "--json"))
        for name in (
            "users list",
            "tokens list",
            "blocks list",
            "quotas list",
            "quotas show kim",
            "quarantine list",
        )
    }

    assert "kim" in [row["username"] for row in lists["users list"]]
    (token,) = (row for row in lists["tokens list"] if row["username"] == "kim")
    assert (token["name"], token["expires"], token["revoked"]) == ("모니터", None, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", token["created"])
    assert [row["network"] for row in lists["blocks list"]] == ["198.51.100.0/24"]
    assert [row["used_bytes"] for row in lists["quotas show kim"]] == [0]
    assert lists["quotas list"] == lists["quarantine list"] == []


@pytest.mark.parametrize("arguments", [["users", "list"], ["backup", "create", "backups"], ["drain", "on"]])
def test_a_command_makes_no_data_folder_that_nobody_prepared(tmp_path: Path, arguments: list[str]) -> None:
    missing, empty = tmp_path / "missing", tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(RuntimeError, match=r"\nfilewallball: DATA_DIR: there is no folder .*prepare"):
        Shell({"DATA_DIR": str(missing)}).run(*arguments)
    with pytest.raises(
        RuntimeError, match=r"\nfilewallball: the database has not all tables of this release.*prepare"
    ):
        Shell({"DATA_DIR": str(empty)}).run("users", "list")

    assert not missing.exists()


def test_a_data_folder_that_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for unusable in ("file", "file/below"):
        with pytest.raises(RuntimeError, match=r"\nfilewallball: DATA_DIR: .*file") as failure:
            Shell({"DATA_DIR": str(tmp_path / unusable)}).run("prepare")
        assert "Traceback" not in str(failure.value)


def test_who_would_leave_files_that_the_service_cannot_read_is_sent_away(machine: Service) -> None:
    nobody, is_root = 65534, os.geteuid() == 0
    journal = machine.data_dir / "journal"
    before = sorted(machine.data_dir.rglob("*"))
    if is_root:  # nobody else may give a folder away, or would be let into such a one
        os.chown(journal, nobody, nobody)

    shell = Shell({"DATA_DIR": str(machine.data_dir), "ADMIN_TOKEN": ADMIN_TOKEN})
    advice = r"\nfilewallball: DATA_DIR: .*journal belongs to \S+; run this as that user"
    with pytest.raises(RuntimeError, match=advice) if is_root else nullcontext():
        shell.run("tokens", "list")

    assert not is_root or sorted(machine.data_dir.rglob("*")) == before

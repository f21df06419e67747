"""The command line does what the routes do, and says what went wrong in one line."""

from pathlib import Path

import pytest

from tests.conftest import ADMIN_TOKEN
from tests.servers import Service


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
    machine.cli("blocks", "lift", "1")

    assert token.startswith("fwb_")
    assert rotated.startswith("fwb_")
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
    ],
)
def test_a_refusal_is_one_clear_line(machine: Service, arguments: list[str]) -> None:
    with pytest.raises(RuntimeError) as failure:
        machine.cli(*arguments)

    assert "filewallball: " in str(failure.value)
    assert "Traceback" not in str(failure.value)

"""One rule says which network a block names and which need force, whoever asks: HTTP, command line, or the service."""

from pathlib import Path

import pytest
from flask import Flask

from filewallball.access.offenders import block_offenders
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from harness.parts import Parts
from harness.shell import Shell
from tests.access.people import Build, client_of
from tests.conftest import ADMIN_TOKEN

BLOCKS = "/api/v1/access/blocks"
SETTINGS = {"MONITORING_NETWORKS": "192.0.2.0/24", "TRUSTED_PROXIES": "198.51.100.1/32,2001:db8:1::5/128"}
NAMED = [
    ("203.0.113.7", "203.0.113.7"),
    ("::ffff:198.51.100.77", "198.51.100.77"),
    ("::FFFF:c633:644d", "198.51.100.77"),
    ("::ffff:198.51.100.77%eth0", "198.51.100.77"),
    ("::ffff:198.51.100.128/121", "198.51.100.128/25"),
    ("2001:db8:2::7", "2001:db8:2::/64"),
    ("2001:db8:2::7%eth0", "2001:db8:2::/64"),
    ("fe80::7%eth0", "fe80::7/128"),
    ("64:ff9b::198.51.100.77", "64:ff9b::c633:644d/128"),
    ("64:ff9b:1::198.51.100.77", "64:ff9b:1::c633:644d/128"),
    ("2002:c633:644d:5::1", "2002:c633:644d::/48"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:4136:e378:8000:63bf:3fff:fdd2/128"),
    ("::198.51.100.77", "::c633:644d/128"),
]
FORCED = [
    *("127.0.0.1", "127.8.9.10", "127.0.0.0/30", "::1", "::1/128", "::ffff:127.0.0.1", "::/64"),
    *("0.0.0.0", "::", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "10.0.0.0/7", "2000::/3"),  # noqa: S104 - blocked, not bound
    *("192.0.2.9", "192.0.2.0/25", "192.0.0.0/16", "198.51.100.1", "198.51.100.0/24", "2001:db8:1::77"),
]
WRONG = ["::ffff:198.51.100.77/64", "::ffff:0:0/80", "unknown", "198.51.100.07", "fe80::1%", "[::1]", "127.1"]


@pytest.fixture
def machine(build: Build) -> Flask:
    """An app with a proxy and a monitoring network."""
    return build(**SETTINGS)


def typed(folder: Path, *arguments: str) -> str:
    """What the command line says under the same settings."""
    environ = {"DATA_DIR": str(folder), "MIN_FREE_SPACE": "0", "ADMIN_TOKEN": ADMIN_TOKEN, **SETTINGS}
    return Shell(environ).run("blocks", "add", "--reason", "x", *arguments)


def asked(app: Flask, network: str, *, force: bool = False) -> tuple[int, str]:
    body = {"network": network, "reason": "x", "force": force}
    answer = client_of(app, ADMIN_TOKEN, "203.0.113.99").post(BLOCKS, json=body)
    said = answer.get_json()
    return answer.status_code, said["network"] if answer.status_code == 201 else said["code"]


@pytest.mark.parametrize(("text", "network"), NAMED)
def test_an_address_names_the_network_of_one_client(machine: Flask, text: str, network: str) -> None:
    folder = Parts(machine).settings.data_dir

    assert asked(machine, text) == (201, network)
    assert f"\t{network}\t" in typed(folder, text)


@pytest.mark.parametrize("network", FORCED)
def test_what_would_lock_out_more_than_an_offender_takes_force(machine: Flask, network: str) -> None:
    folder = Parts(machine).settings.data_dir

    assert asked(machine, network) == (409, "conflict")
    with pytest.raises(RuntimeError, match="`force` blocks it all the same"):
        typed(folder, network)
    assert client_of(machine).get("/files").status_code == 200, "nothing is blocked"

    assert asked(machine, network, force=True)[0] == 201
    assert typed(folder, network, "--force")


@pytest.mark.parametrize("network", WRONG)
def test_what_cannot_be_read_is_blocked_by_nobody(machine: Flask, network: str) -> None:
    assert asked(machine, network, force=True) == (422, "validation_error")
    with pytest.raises(RuntimeError, match="Not an address"):
        typed(Parts(machine).settings.data_dir, network, "--force")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:2::7", "2001:db8:2::/64"),
        ("2002:c633:644d:5::1", "2002:c633:644d::/48"),
        ("64:ff9b::198.51.100.77", "64:ff9b::c633:644d/128"),
        ("fe80::7", "fe80::7/128"),
        *((address, "") for address in ("::1", "127.0.0.5", "192.0.2.9", "198.51.100.1", "2001:db8:1::77")),
    ],
)
def test_an_offence_blocks_that_network_and_never_one_that_takes_force(
    build: Build, address: str, network: str
) -> None:
    app = build(**SETTINGS, AUTOBLOCK_AUTH="1/hour")
    parts = Parts(app)

    for _ in range(3):
        client_of(app, "x" * 30, address).get("/files")
    block_offenders(parts.gate, 60, lambda: operation(parts.ledger, "block:add", SYSTEM))

    listed = client_of(app, ADMIN_TOKEN, "203.0.113.99").get(BLOCKS).get_json()["blocks"]
    assert [row["network"] for row in listed] == [network] * bool(network)

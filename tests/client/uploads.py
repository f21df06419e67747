"""A large content with a mark in its middle, and what a service has of uploads by their name."""

import os
from typing import Any

from filewallball_client import Client
from harness.servers import Service

ADMIN_TOKEN = "fwb_the-administrator-of-the-tests-of-the-client"
MARK = b"a mark amid random bytes"
HALF = 6 * 1024 * 1024
CONTENT = os.urandom(HALF) + MARK + os.urandom(HALF)
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def unfinished(service: Service, name: str) -> list[dict[str, Any]]:
    """The unfinished uploads of this name, as an administrator sees them."""
    answer = service.request("GET", "/api/v1/uploads?size=500", headers=ADMIN)
    return [each for each in answer.json()["uploads"] if each["filename"] == name]


def created(service: Service, name: str) -> int:
    """How many uploads of this name were begun."""
    answer = service.request("GET", "/api/v1/audit/logs?action=upload:create&size=500", headers=ADMIN)
    assert answer.ok, answer.text
    return sum(1 for row in answer.json()["logs"] if row["details"].get("filename") == name)


def kept(service: Service, name: str) -> list[str]:
    """The digests of the files of this name."""
    with Client(service.url, token=ADMIN_TOKEN) as client:
        return [file.file_hash for file in client.files(name=name)]

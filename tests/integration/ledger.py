"""A client that remembers what the service acknowledged, to hold it to that afterwards."""

import hashlib
import random
import threading
from dataclasses import dataclass, field

import requests

from harness.load import Load
from harness.servers import Service


@dataclass
class Ledger:
    """Acknowledged changes: contents by file id, and ids that were deleted. `attempts` counts requests sent."""

    contents: dict[str, bytes] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    tokens: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    attempts: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def upload(service: Service, ledger: Ledger, content: bytes) -> str | None:
    """Upload; None where no acknowledgement arrived."""
    ledger.attempts += 1
    try:
        answer = service.request("POST", "/upload", files={"file": ("file.bin", content)})
    except requests.RequestException:
        return None
    if answer.status_code != 201:
        return None
    file = answer.json()
    with ledger.lock:
        ledger.contents[file["file_id"]] = content
        ledger.tokens[file["file_id"]] = file["delete_token"]
    return str(file["file_id"])


def delete(service: Service, ledger: Ledger, file_id: str) -> None:
    """Delete; without an acknowledgement the file may be there or not."""
    with ledger.lock:
        content, token = ledger.contents.pop(file_id), ledger.tokens.pop(file_id)
        ledger.unknown.add(file_id)
    ledger.attempts += 1
    try:
        answer = service.request("DELETE", f"/files/{file_id}", headers={"X-Delete-Token": token})
    except requests.RequestException:
        return
    with ledger.lock:
        if answer.status_code == 204:
            ledger.unknown.discard(file_id)
            ledger.deleted.add(file_id)
        elif answer.status_code == 503:
            ledger.unknown.discard(file_id)
            ledger.contents[file_id], ledger.tokens[file_id] = content, token


class Uploads(Load):
    """Clients that upload, sometimes the same bytes, and delete."""

    def __init__(self, service: Service, ledger: Ledger, clients: int = 4) -> None:
        super().__init__(clients)
        self._service = service
        self._ledger = ledger

    def client(self, number: int) -> None:
        chance = random.Random(number)
        mine: list[str] = []
        while self.goes_on:
            if mine and chance.random() < 0.3:
                delete(self._service, self._ledger, mine.pop(chance.randrange(len(mine))))
                continue
            content = (
                b"common" * 500 if chance.random() < 0.2 else chance.randbytes(chance.randint(0, 60_000))
            )
            file_id = upload(self._service, self._ledger, content)
            if file_id is not None:
                mine.append(file_id)


def check_promises(service: Service, ledger: Ledger) -> None:
    """Every acknowledged upload is there byte for byte; every acknowledged delete stays deleted."""
    with requests.Session() as session:
        session.trust_env = False
        for file_id, content in ledger.contents.items():
            answer = session.get(f"{service.url}/download/{file_id}", timeout=60)
            assert answer.status_code == 200, f"{file_id} was acknowledged and answers {answer.status_code}"
            assert hashlib.sha256(answer.content).digest() == hashlib.sha256(content).digest()
        for file_id in ledger.deleted:
            assert session.get(f"{service.url}/download/{file_id}", timeout=60).status_code == 404

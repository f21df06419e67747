"""Everything that clients do, from many addresses at random: what goes well, what is refused, what breaks off."""

import random
from collections.abc import Callable
from typing import Any

import requests

from harness.load import Load
from harness.servers import Service

_CLIENTS = ("192.0.2.1", "2001:db8::1", "2001:DB8:0:0::1", "203.0.113.99", "unknown")
_PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00\x01\x00\x00\x00" + bytes(100)
_WRONG_DIGEST = {"Content-Digest": f"sha-256=:{'A' * 43}=:"}


class Mixture(Load):
    """Clients that go on until the block ends; `attempts` counts what they tried. The service must trust 127.0.0.1."""

    def __init__(self, service: Service, clients: int = 4) -> None:
        super().__init__(clients)
        self.attempts = 0
        self._service = service

    def client(self, number: int) -> None:
        client = _Client(self._service, random.Random(number))
        while self.goes_on:
            self.attempts += 1
            try:
                client.do_something()
            except (requests.RequestException, OSError):
                continue  # a worker died


class _Client:
    """One after the other; addresses change all the time, so that few refusals are equal and none is coalesced."""

    def __init__(self, service: Service, chance: random.Random) -> None:
        self._service = service
        self._chance = chance
        self._mine: list[dict[str, Any]] = []
        self._ways: tuple[Callable[[], object], ...] = (
            *[self._upload] * 4,
            *[self._fetch] * 4,
            *[self._delete] * 2,
            self._refused_upload,
            self._broken_upload,
            self._stranger,
        )

    def do_something(self) -> None:
        self._chance.choice(self._ways)()

    def _request(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> Any:
        every = {"X-Forwarded-For": self._address(), **(headers or {})}
        return self._service.request(method, path, headers=every, **options)

    def _address(self) -> str:
        return self._chance.choice((*_CLIENTS, *[f"198.51.100.{self._chance.randrange(256)}"] * 6))

    def _upload(self) -> None:
        content = self._chance.choice((b"common" * 500, self._chance.randbytes(self._chance.randrange(9000))))
        name = self._chance.choice(("a.txt", "b.bin", "invoice.pdf.exe"))
        answer = self._request("POST", "/upload", files={"file": (name, content)})
        if answer.status_code == 201:
            self._mine.append(answer.json())

    def _fetch(self) -> None:
        if self._mine:
            how = self._chance.choice(("download", "snapshot"))
            method = self._chance.choice(("GET", "GET", "GET", "HEAD"))
            headers = self._chance.choice(({}, {"Range": "bytes=0-9"}, {"If-None-Match": "*"}))
            self._request(method, f"/{how}/{self._chance.choice(self._mine)['file_id']}", headers)

    def _delete(self) -> None:
        if self._mine:
            file = self._mine.pop(self._chance.randrange(len(self._mine)))
            self._request("DELETE", f"/files/{file['file_id']}", {"X-Delete-Token": file["delete_token"]})

    def _refused_upload(self) -> None:
        if self._chance.random() < 0.5:
            self._request("PUT", "/upload/a.txt", _WRONG_DIGEST, data=b"words")
        else:
            self._request("PUT", "/upload/photo.jpg", data=_PROGRAM)

    def _broken_upload(self) -> None:
        head = f"PUT /upload/half.bin HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {self._address()}\r\n"
        with self._service.connect() as connection:
            connection.sendall(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())

    def _stranger(self) -> None:
        way = self._chance.randrange(3)
        headers = {"Authorization": "Bearer fwb_nobody"} if way == 0 else {}
        self._request(
            "GET", "/api/v1/audit/logs" if way == 1 else f"/download/{self._chance.random()}", headers
        )

"""Clients that note where the log of a recorded disk stood at each answer: what a later power cut may not undo."""

import hashlib
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from harness.load import Load

_NEVER = 2**63


@dataclass(slots=True)
class Kept:
    """A file that was acknowledged when the log stood at `acknowledged`."""

    sha256: str
    token: str
    acknowledged: int
    deleting: int = _NEVER
    """Where the log stood before its deletion was asked for."""
    deleted: int = _NEVER


@dataclass(slots=True)
class Promises:
    """What the service has answered, each with the log's position at that moment."""

    position: Callable[[], int]
    files: dict[str, Kept] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    """The digest of each file that was ever sent, by its name."""
    answered: dict[str, int] = field(default_factory=dict)
    """Requests that are on record each for itself."""
    refused: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def moments(self) -> list[int]:
        """The positions at which something had just been acknowledged."""
        return sorted({*self.answered.values(), *self.refused})

    def kept_at(self, cut: int) -> dict[str, Kept]:
        """The files that must be there after a cut."""
        return {name: kept for name, kept in self.files.items() if kept.acknowledged <= cut <= kept.deleting}

    def gone_at(self, cut: int) -> list[str]:
        """The files that must have stayed deleted."""
        return [name for name, kept in self.files.items() if kept.deleted <= cut]


class Clients(Load):
    """Clients that upload in every way, sometimes the same bytes, delete, read, and ask for what they may not have."""

    def __init__(self, direct: str, front: str, promises: Promises, *, clients: int, seed: int) -> None:
        super().__init__(clients)
        self._direct = direct
        self._front = front  # who sends the bytes of downloads
        self._promises = promises
        self._seed = seed

    def client(self, number: int) -> None:
        chance = random.Random(f"{self._seed}-{number}")
        mine: list[str] = []
        with requests.Session() as session:
            session.trust_env = False
            one = _Client(session, self._promises, chance)
            while self.goes_on:
                url, act = chance.choice((self._direct, self._front)), chance.random()
                if not mine or act < 0.6:
                    mine.append(one.upload(url))
                elif act < 0.75:
                    one.delete(url, mine.pop(chance.randrange(len(mine))))
                elif act < 0.9:
                    one.read(self._front, chance.choice(mine))
                else:
                    one.be_refused(url, chance.choice(mine))


class _Client:
    """One client's requests. Anything but the answer that is due to them raises."""

    def __init__(self, session: requests.Session, promises: Promises, chance: random.Random) -> None:
        self._session = session
        self._promises = promises
        self._chance = chance

    def upload(self, url: str) -> str:
        name, content = f"{self._chance.randbytes(8).hex()}.bin", self._content()
        digest = hashlib.sha256(content).hexdigest()
        self._promises.sent[name] = digest
        if self._chance.random() < 0.3:
            answer = self._session.put(f"{url}/upload/{name}", data=content, timeout=60)
        else:
            form = {"description": self._chance.randbytes(20).hex()}
            answer = self._session.post(
                f"{url}/upload", data=form, files={"file": (name, content)}, timeout=60
            )
        at = self._note(answer, 201)
        file = answer.json()
        self._promises.files[file["file_id"]] = Kept(digest, file["delete_token"], at)
        return str(file["file_id"])

    def delete(self, url: str, file_id: str) -> None:
        kept = self._promises.files[file_id]
        kept.deleting = self._promises.position()
        answer = self._session.delete(
            f"{url}/files/{file_id}", headers={"X-Delete-Token": kept.token}, timeout=60
        )
        kept.deleted = self._note(answer, 204)

    def read(self, url: str, file_id: str) -> None:
        answer = self._session.get(f"{url}/download/{file_id}", timeout=60)
        self._note(answer, 200)
        assert hashlib.sha256(answer.content).hexdigest() == self._promises.files[file_id].sha256

    def be_refused(self, url: str, file_id: str) -> None:
        answer = self._session.delete(f"{url}/files/{file_id}", headers={"X-Delete-Token": "no"}, timeout=60)
        at = self._promises.position()
        assert answer.status_code in (401, 403), answer.text
        with self._promises.lock:
            self._promises.refused.append(at)

    def _note(self, answer: requests.Response, status: int) -> int:
        at = self._promises.position()
        assert answer.status_code == status, answer.text
        with self._promises.lock:
            self._promises.answered[answer.headers["X-Request-ID"]] = at
        return at

    def _content(self) -> bytes:
        if self._chance.random() < 0.15:
            return b"common" * 500
        return self._chance.randbytes(self._chance.randint(0, 30_000))

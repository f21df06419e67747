"""Clients that keep a ledger of what was acknowledged, and a scraper that never looks away."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from harness.load import Load
from harness.servers import Service
from harness.waiting import wait_until
from tests.observability.scrape import Samples, samples_of

_FEWEST_SCRAPES = 20
_RISING = ("_total", "_bucket", "_count", "_sum")


class Transfers(Load):
    """Clients that upload and download until so many requests were made, however soon the block ends; `ledger`
    counts how each ended."""

    def __init__(self, server: Service, requests_in_all: int, clients: int = 4) -> None:
        super().__init__(clients)
        self.ledger: Counter[str] = Counter()
        self._server = server
        self._tickets = iter(range(requests_in_all))
        self._lock = threading.Lock()

    @property
    def answered(self) -> int:
        return sum(count for outcome, count in self.ledger.items() if outcome.endswith("done"))

    def client(self, number: int) -> None:
        known: list[str] = []
        for turn in itertools.count():
            with self._lock:
                if next(self._tickets, None) is None:
                    return
            kind = "download" if known and turn % 4 else "upload"
            try:
                outcome = self._upload(number, turn, known) if kind == "upload" else self._download(known[-1])
            except requests.RequestException:
                outcome = "lost"
            with self._lock:
                self.ledger[f"{kind} {outcome}"] += 1

    def _upload(self, client: int, turn: int, known: list[str]) -> str:
        answer = self._server.request("PUT", f"/upload/{client}-{turn}.txt", data=f"{client} {turn}\n" * 50)
        if answer.status_code == 201:
            known.append(answer.json()["file_id"])
            return "done"
        return str(answer.status_code)

    def _download(self, file_id: str) -> str:
        answer = self._server.request("GET", f"/download/{file_id}")
        return "done" if answer.status_code == 200 and len(answer.content) > 100 else str(answer.status_code)


class Scraper:
    """Scrapes every 100 ms in a thread of its own, and remembers what must never happen."""

    def __init__(self, server: Service) -> None:
        self.scrapes = 0
        self.cut_off = 0
        self.failures: list[str] = []
        self.decreases: list[str] = []
        self.most_files = 0
        self.last: Samples = {}
        self._server = server
        self._metrics = Path(server.data_dir, "metrics")
        self._stopping = threading.Event()

    @contextmanager
    def watching(self) -> Iterator["Scraper"]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield self
            wait_until(lambda: self.scrapes >= _FEWEST_SCRAPES, 60, "scrapes enough to see a fall")
        finally:
            self._stopping.set()
            thread.join()

    def scrape(self) -> None:
        """One scrape, compared with the one before; a connection that a killed worker cut is tried again."""
        try:
            answer = self._server.request("GET", "/metrics")
        except requests.RequestException:
            self.cut_off += 1
            return
        self.scrapes += 1
        if answer.status_code != 200:
            self.failures.append(f"{answer.status_code} {answer.text[:200]}")
            return
        samples = samples_of(answer.text)
        for key, before in self.last.items():
            if key[0].endswith(_RISING) and samples.get(key, -1) < before:
                self.decreases.append(f"{key}: {before} to {samples.get(key)}")
        self.last = samples
        self.most_files = max(self.most_files, len(list(self._metrics.glob("*.db"))))

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            self.scrape()

"""Loads on a contestant, and what a request of each took."""

import http.client
import math
import os
import secrets
import socket
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import wrk
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.costs import count_syncs, spent

_BYTES = 128 * 1024 * 1024
"""Runs are longer by as many times as all connections together have this much under way."""


@dataclass(frozen=True)
class Sample:
    """One run, or the medians of several: latencies and processor time in seconds, the latter of one request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    written: float | None
    failures: int


class Loader:
    """Runs wrk against contestants, in one cell of the comparison."""

    def __init__(self, size: int, connections: int, seconds: int) -> None:
        self._content = wrk.jpeg_like(size)
        self._connections = connections
        self._seconds = seconds * math.ceil(size * connections / _BYTES)

    def script(self, contestant: Contestant, folder: Path) -> Path:
        """The script that uploads to it."""
        assert contestant.request is not None
        folder.mkdir()
        return wrk.upload_script(folder, contestant.request(self._content))

    def upload(self, contestant: Contestant, script: Path) -> Sample:
        """Upload, once all that others left to be written is written."""
        os.sync()
        return self._run(contestant, contestant.url, script)

    def download(self, contestant: Contestant, path: str) -> Sample:
        return self._run(contestant, contestant.url + path)

    def syncs(self, contestant: Contestant, script: Path) -> float | None:
        """The syncs of an upload, in a run of their own, as counting them slows everything down."""
        work = lambda: wrk.run(contestant.url, self._connections, self._seconds, script)  # noqa: E731
        load, count = count_syncs(contestant.pids, work)
        return None if count is None else count / self._begun(load)

    def store(self, contestant: Contestant) -> str:
        """The path of a file that was stored once, to be downloaded."""
        mark = secrets.token_hex(len(wrk.MARK) // 2)
        if contestant.files is not None:
            (contestant.files / f"{mark}.jpg").write_bytes(self._content)
            return contestant.locate(mark, b"")
        assert contestant.request is not None
        request = contestant.request(self._content).replace(wrk.MARK, mark.encode())
        return contestant.locate(mark, _send(contestant.url, request))

    def _run(self, contestant: Contestant, url: str, script: Path | None = None) -> Sample:
        before = spent(contestant.pids)
        load = wrk.run(url, self._connections, self._seconds, script)
        costs = spent(contestant.pids).since(before)
        begun = self._begun(load)
        written = None if costs.written_bytes is None else costs.written_bytes / begun
        return Sample(load.rate, load.p50, load.p99, costs.cpu_seconds / begun, written, load.failures)

    def _begun(self, load: wrk.Load) -> float:
        """Requests that cost something: each connection is cut off in the middle of one more."""
        return load.requests + self._connections / 2


def median(samples: Sequence[Sample]) -> Sample:
    """The median of each figure, and the sum of failures."""
    written = [sample.written for sample in samples if sample.written is not None]
    return Sample(
        statistics.median(sample.rate for sample in samples),
        statistics.median(sample.p50 for sample in samples),
        statistics.median(sample.p99 for sample in samples),
        statistics.median(sample.cpu for sample in samples),
        statistics.median(written) if written else None,
        sum(sample.failures for sample in samples),
    )


def _send(url: str, request: bytes) -> bytes:
    """The body of the answer to a request that is there as bytes."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(request)
        with http.client.HTTPResponse(connection) as answer:
            answer.begin()
            body = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{url} answered {answer.status}: {body[:200]!r}")
    return body

"""The metrics of one application: built from the contract at first use and fed by events."""

import json
import logging
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from math import inf
from pathlib import Path
from threading import RLock
from typing import Any

from filewallball.observability import vocabulary as words
from filewallball.observability.contract import CONTRACT
from filewallball.observability.labels import ClosedSet, FirstSeen
from filewallball.observability.metric import HISTOGRAM, Metric
from filewallball.observability.metric_store.exemplar_file import ID_CHARACTERS, Exemplar
from filewallball.observability.metric_store.metric_file import Unreadable
from filewallball.observability.metric_store.numbers import number_text
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metric_store.values import SlotFiles, SlotValue
from filewallball.observability.series_keys import file_kind, key_name, preset_keys
from filewallball.recording.event import DENIED, FAILED, SUCCESS, Event
from filewallball.recording.operations import REFUSE

logger = logging.getLogger(__name__)
_RETRY_SECONDS = 10.0
_WELL_FORMED_ID = re.compile(rf"[A-Za-z0-9._:-]{{1,{ID_CHARACTERS}}}")
"""The kind of file of gauges: the sum over the processes that live."""
_CLIENT_METRICS = ("file_uploads", "file_downloads")


class Metrics:
    """Counts. Nothing here raises: what cannot be counted is logged, and the operation goes on."""

    def __init__(
        self, directory: Path, slots: Slots, rules: Callable[[], Iterable[str]], *, is_enabled: bool = True
    ) -> None:
        self._is_enabled = is_enabled
        self._files = SlotFiles(directory, slots)
        self._slots = slots
        self._rules = rules
        self._families: dict[str, _Family] = {}
        self._generation = -1
        self._retry_at = 0.0
        self._lock = RLock()
        self._file_types = ClosedSet(words.MEDIA_TYPES)
        self._actions = ClosedSet(words.ACTIONS)
        self._codes = ClosedSet(words.ERROR_CODES)
        self._endpoints: ClosedSet | None = None
        self._clients = FirstSeen(words.MAX_CLIENTS)

    def increment(self, name: str, *values: str, amount: float = 1) -> None:
        """Add to a counter of the contract. Label values must come from the contract's sets."""
        if self._is_ready():
            self._families[name][values].inc(amount)

    def add(self, name: str, amount: float) -> None:
        """Add to a counter without labels."""
        self.increment(name, amount=amount)

    def counted(self, name: str, *values: str) -> float:
        """The sum that the owners of this process's slot have counted so far."""
        return float(self._families[name][values].get()) if self._is_ready() else 0.0

    def set(self, name: str, value: float, *values: str) -> None:
        """Set a gauge of the contract that lives in files."""
        if self._is_ready():
            self._families[name][values].set(value)

    def observe(self, name: str, value: float, *values: str) -> None:
        """Add an observation to a histogram of the contract."""
        if self._is_ready():
            self._families[name][values].observe(value)

    def record(self, event: Event) -> None:
        """Everything that one operation's event says, counted `event.count` times."""
        try:
            if self._is_ready():
                self._count(event)
        except Exception:
            logger.exception("An event could not be counted")

    def endpoint(self, rule: str) -> str:
        """A URL rule as a label value."""
        if self._endpoints is None:  # only now, for a command has to make the routes first
            self._endpoints = ClosedSet(self._rules())
        return self._endpoints.bound(rule)

    def _count(self, event: Event) -> None:
        families, count = self._families, event.count
        families["operations_total"][self._actions.bound(event.action), event.status].inc(count)
        if event.action == REFUSE:
            return  # the service decided nothing
        if event.action == "file:upload":
            self._count_upload(event)
        elif event.action == "file:download":
            self._count_download(event)
        elif event.action == "audit:verify" and event.error_type == "audit_broken":
            families["audit_verify_failures_total"][()].inc(count)
        elif event.action == "alert:send":
            outcome = "sent" if event.status == SUCCESS else "failed"
            families["alert_messages_total"][(outcome,)].inc(count)
        if event.cache != "none":
            families["cache_requests_total"][(event.cache,)].inc(count)
        if event.status == FAILED and event.endpoint:
            labels = self._codes.bound(event.error_type), self.endpoint(event.endpoint)
            families["errors_total"][labels].inc(count)
        if event.status == DENIED:
            self._count_refusal(event)
        if event.over_limit or event.error_type == "rate_limited":
            families["rate_limit_violations_total"][(self.endpoint(event.endpoint),)].inc(count)

    def _count_upload(self, event: Event) -> None:
        families, count = self._families, event.count
        file_type = self._file_types.bound(event.file_type)
        client = self._clients.bound(event.ip_address)
        families["file_uploads_total"][event.status, file_type, client].inc(count)
        families["file_upload_bytes_total"][(event.status,)].inc(event.file_size * count)
        if event.suspicious:
            families["suspicious_uploads_total"][()].inc(count)
        if event.status == SUCCESS:
            families["file_size_bytes"][(file_type,)].observe(event.file_size)
            if event.commit_us:
                self._time("upload_commit_duration_seconds", (), event.commit_us, event)
            if event.timed:
                self._time("file_upload_duration_seconds", (file_type,), event.duration_us, event)
        elif event.error_type == "network_error":
            families["file_uploads_aborted_total"][()].inc(count)

    def _count_download(self, event: Event) -> None:
        families = self._families
        families["file_download_bytes_total"][(event.status,)].inc(event.file_size * event.count)
        if event.status != SUCCESS:
            return
        file_type = self._file_types.bound(event.file_type)
        families["file_downloads_total"][file_type, self._clients.bound(event.ip_address)].inc(event.count)
        if event.timed:
            self._time("file_download_duration_seconds", (file_type,), event.duration_us, event)

    def _time(self, name: str, labels: tuple[str, ...], duration_us: int, event: Event) -> None:
        """Add a duration of an operation, with its request as the exemplar of the bucket that it falls into.

        An exemplar leads to one request's story: there is none of several requests, or of none.
        """
        histogram, seconds = self._families[name][labels], duration_us / 1e6
        bucket = histogram.observe(seconds)
        if event.count != 1 or not _WELL_FORMED_ID.fullmatch(event.request_id) or bucket is None:
            return
        try:
            bucket.keep(Exemplar(seconds, time.time(), event.request_id, event.trace_id))
        except OSError:
            self._room_lost()

    def _count_refusal(self, event: Event) -> None:
        failure = words.AUTH_FAILURES.get(event.error_type)
        if failure is not None:
            self._families["authentication_failures_total"][(failure,)].inc(event.count)

    def _is_ready(self) -> bool:
        return self._generation == self._files.generation or self.prepare()

    def prepare(self) -> bool:
        """Take a slot and find its series, once in each process; after a failure not for some seconds."""
        with self._lock:
            generation = self._files.generation
            if self._generation == generation:
                return True
            if not self._is_enabled or time.monotonic() < self._retry_at:
                return False
            try:
                self._build()
            except (OSError, Unreadable):
                self._retry_at = time.monotonic() + _RETRY_SECONDS
                logger.exception("Metrics cannot be kept")
                return False
            self._generation = generation
            lost, self._files.set_aside = self._files.set_aside, 0
        self.increment("metric_files_unreadable_total", amount=lost)
        self.increment("worker_unclean_exits_total", amount=self._slots.predecessor_died)
        return True

    def _build(self) -> None:
        self._clients = FirstSeen(words.MAX_CLIENTS, self._known_clients())
        self._families = {
            metric.name: _Family(metric, self._files, self._room_lost)
            for metric in CONTRACT
            if not metric.scraped
        }
        for kind, keys in preset_keys().items():
            self._files.reserve(kind, keys)

    def _known_clients(self) -> Iterable[str]:
        """Addresses that this slot's files already name: they stay admitted under every owner."""
        for key in self._files.file("counter").keys:
            metric, _, labels, _ = json.loads(key)
            if metric in _CLIENT_METRICS:
                yield labels["client_ip"]

    def _room_lost(self) -> None:
        self.increment("metric_updates_dropped_total")


class _Family(dict[tuple[str, ...], Any]):
    """The series of one metric by label values, each made when it is first needed.

    Their names and keys are those that prometheus_client would give them.
    """

    def __init__(self, metric: Metric, files: SlotFiles, room_lost: Callable[[], None]) -> None:
        super().__init__()
        self._metric = metric
        self._files = files
        self._room_lost = room_lost

    def __missing__(self, values: tuple[str, ...]) -> Any:
        try:
            self[values] = self._series(values)
        except OSError:
            self._room_lost()
            return _NOWHERE
        return self[values]

    def _series(self, values: tuple[str, ...]) -> "SlotValue | _Histogram":
        metric = self._metric
        labels = dict(zip(metric.label_names, values, strict=True))
        if metric.kind == HISTOGRAM:
            return _Histogram(metric, self._files, labels)
        return SlotValue(self._files, file_kind(metric), key_name(metric), metric.name, labels, metric.about)


class _Histogram:
    """The values of one series of a histogram."""

    __slots__ = ("_bounds", "_buckets", "_sum")

    def __init__(self, metric: Metric, files: SlotFiles, labels: dict[str, str]) -> None:
        def value(suffix: str, labels: dict[str, str]) -> SlotValue:
            return SlotValue(files, HISTOGRAM, metric.name, f"{metric.name}_{suffix}", labels, metric.about)

        self._sum = value("sum", labels)
        self._bounds = (*metric.buckets, inf)
        self._buckets = [value("bucket", {**labels, "le": number_text(bound)}) for bound in self._bounds]

    def observe(self, value: float) -> SlotValue:
        """Add an observation; returns the bucket that it falls into."""
        bucket = self._buckets[bisect_left(self._bounds, value)]
        self._sum.inc(value)
        bucket.inc(1)
        return bucket


class _Nowhere:
    """Stands in for a series that found no space in its file."""

    def inc(self, amount: float) -> None: ...

    def set(self, value: float) -> None: ...

    def observe(self, value: float) -> None:
        return None

    def get(self) -> float:
        return 0.0


_NOWHERE = _Nowhere()

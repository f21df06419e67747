"""The exemplars of all slots: of each bucket the newest, as OpenMetrics writes them."""

import time
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path

from filewallball.observability.metric_store.exemplar_file import Exemplar, ExemplarReader, Replaced
from filewallball.observability.metric_store.metric_file import Unreadable, parse_key
from filewallball.observability.metric_store.numbers import number_text
from filewallball.observability.metric_store.series import Family


class Exemplars:
    """Remembers what it read, and reads only what is new."""

    def __init__(self) -> None:
        self._readers: dict[str, ExemplarReader] = {}
        self._newest: dict[bytes, Exemplar] = {}
        self._unshown: set[bytes] = set()
        self._shown_in: dict[str, Family] = {}
        self._series: dict[bytes, tuple[str, dict[str, str]]] = {}

    def update(self, paths: Sequence[Path]) -> list[Path]:
        """Read what is new; returns the files that cannot be read."""
        try:
            return self._read(paths)
        except Replaced:
            self._readers, self._newest, self._shown_in = {}, {}, {}
            return self._read(paths)

    def show(self, families: Mapping[str, Family]) -> None:
        """Give these families what they were not given yet."""
        for name, family in families.items():
            if self._shown_in.get(name) is not family:
                self._shown_in[name] = family
                family.forget_exemplars()
                self._unshown.update(key for key in self._newest if self._named(key)[0] == name)
        for key in self._unshown:
            name, labels = self._named(key)
            if name in families:
                families[name].set_exemplar(labels, _text(self._newest[key]))
        self._unshown.clear()

    def _read(self, paths: Sequence[Path]) -> list[Path]:
        unreadable, names, now = list[Path](), set[str](), time.time()
        for path in paths:
            reader = self._readers.setdefault(path.name, ExemplarReader())
            try:
                found = reader.read(path)
            except (Unreadable, OSError):
                unreadable.append(path)
                continue
            names.add(path.name)
            for key, exemplar in found.items():
                if key not in self._newest or _age(exemplar, now) <= _age(self._newest[key], now):
                    self._newest[key] = exemplar
                    self._unshown.add(key)
        if self._readers.keys() - names:
            self._readers = {name: self._readers[name] for name in names}
        return unreadable

    def _named(self, key: bytes) -> tuple[str, dict[str, str]]:
        """The metric and the labels of a series."""
        if key not in self._series:
            metric, _, labels, _ = parse_key(key)
            self._series[key] = metric, labels
        return self._series[key]


def _age(exemplar: Exemplar, now: float) -> float:
    """Its age in seconds; one of a time to come is older than all, for the clock was set back after it."""
    return now - exemplar.seconds if exemplar.seconds <= now else inf


def _text(exemplar: Exemplar) -> str:
    trace = f',trace_id="{exemplar.trace_id}"' if exemplar.trace_id else ""
    return f' # {{request_id="{exemplar.request_id}"{trace}}} {number_text(exemplar.value)} {exemplar.seconds:.3f}'

"""Metrics of prometheus_client whose values lie in the files of a slot, to compare what both make of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import values as prometheus_values
from prometheus_client.samples import Exemplar as Stock

from filewallball.observability.metric_store.exemplar_file import Exemplar
from filewallball.observability.metric_store.values import SlotFiles, SlotValue


@contextmanager
def kept_in(files: SlotFiles) -> Iterator[None]:
    """Metrics and label children made inside keep their values in these files."""

    def make(*arguments: Any, **options: Any) -> "_StockValue":
        return _StockValue(files, *arguments, **options)

    before = prometheus_values.ValueClass
    prometheus_values.ValueClass = make
    try:
        yield
    finally:
        prometheus_values.ValueClass = before


class _StockValue(SlotValue):
    """A value class as prometheus_client asks for it."""

    _multiprocess = True

    def __init__(
        self,
        files: SlotFiles,
        kind: str,
        metric: str,
        sample: str,
        names: Any,
        values: Any,
        about: str,
        multiprocess_mode: str = "",
        **_: Any,
    ) -> None:
        kind = f"gauge_{multiprocess_mode}" if kind == "gauge" else kind
        super().__init__(files, kind, metric, sample, dict(zip(names, values, strict=True)), about)

    def set_exemplar(self, exemplar: Stock) -> None:
        """Keep an exemplar whose labels are `request_id` and perhaps `trace_id`."""
        labels, seconds = exemplar.labels, float(exemplar.timestamp or 0)
        self.keep(Exemplar(exemplar.value, seconds, labels["request_id"], labels.get("trace_id", "")))

    def get_exemplar(self) -> None:
        return None

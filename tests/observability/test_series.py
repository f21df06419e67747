"""The series of the contract are called as prometheus_client would call them, and lie where it would put them."""

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from filewallball.observability.contract import CONTRACT
from filewallball.observability.metric import COUNTER, HISTOGRAM, Metric
from filewallball.observability.metric_store.metric_file import SlotFile
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metric_store.values import SlotFiles
from harness.stock_metrics import kept_in
from tests.fixtures.metrics import Bench


@pytest.mark.parametrize(
    "metric", [metric for metric in CONTRACT if not metric.scraped], ids=lambda metric: metric.name
)
def test_series_have_the_names_and_files_that_prometheus_client_gives_them(
    metric: Metric, bench: Bench, tmp_path: Path
) -> None:
    values, metrics = ["x" for _ in metric.labels], bench.metrics

    with kept_in(SlotFiles(tmp_path / "stock", Slots(tmp_path / "stock-slots"))):
        stock = _stock(metric)
        if values:
            stock.labels(*values)
    if metric.kind == COUNTER:
        metrics.increment(metric.name, *values)
    elif metric.kind == HISTOGRAM:
        metrics.observe(metric.name, 1, *values)
    else:
        metrics.set(metric.name, 1, *values)

    assert _keys(tmp_path / "stock")
    assert _keys(tmp_path / "stock") <= _keys(bench.directory)


def _stock(metric: Metric) -> MetricWrapperBase:
    options: dict[str, Any] = {"labelnames": metric.label_names, "registry": None}
    if metric.kind == COUNTER:
        return Counter(metric.name, metric.about, **options)
    if metric.kind == HISTOGRAM:
        return Histogram(metric.name, metric.about, buckets=metric.buckets, **options)
    return Gauge(metric.name, metric.about, multiprocess_mode="livesum", **options)


def _keys(directory: Path) -> set[tuple[str, str]]:
    """Every series of a directory, with the kind of file that it lies in."""
    return {
        (path.stem.rpartition("_")[0], key) for path in directory.glob("*.db") for key in SlotFile(path).keys
    }

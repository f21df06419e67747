"""The keys by which the metric files know the series that are there from the start."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import inf

from filewallball.observability.contract import CONTRACT
from filewallball.observability.metric import COUNTER, GAUGE, HISTOGRAM, Metric
from filewallball.observability.metric_store.metric_file import metric_key
from filewallball.observability.metric_store.numbers import number_text

_LIVE = f"{GAUGE}_livesum"
"""Gauges that are summed over living processes, as prometheus_client names them."""


@cache
def preset_keys() -> Mapping[str, Sequence[str]]:
    """By kind of file, the keys of the series without labels, then of all that the contract presets."""
    keys: dict[str, list[str]] = defaultdict(list)
    kept = [metric for metric in CONTRACT if not metric.scraped]
    for metric in kept:
        if not metric.labels:
            keys[file_kind(metric)] += keys_of(metric, ())
    for metric in kept:
        for values in metric.preset:
            keys[file_kind(metric)] += keys_of(metric, values)
    return keys


def file_kind(metric: Metric) -> str:
    """The kind of file that holds the series of a metric."""
    return _LIVE if metric.kind == GAUGE else metric.kind


def key_name(metric: Metric) -> str:
    """The name of a metric in its keys; the name of a counter's samples has `_total` besides."""
    return metric.name.removesuffix("_total") if metric.kind == COUNTER else metric.name


def keys_of(metric: Metric, values: Sequence[str]) -> Iterator[str]:
    """The keys of everything that is kept of a metric under these label values, as prometheus_client names them."""
    labels = dict(zip(metric.label_names, values, strict=True))
    if metric.kind == HISTOGRAM:
        yield metric_key(metric.name, f"{metric.name}_sum", labels, metric.about)
        for bound in (*metric.buckets, inf):
            labelled = {**labels, "le": number_text(bound)}
            yield metric_key(metric.name, f"{metric.name}_bucket", labelled, metric.about)
        return
    yield metric_key(key_name(metric), metric.name, labels, metric.about)

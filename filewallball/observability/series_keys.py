"""The keys by which the metric files know the series that are there from the start."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from json import JSONEncoder
from math import inf
from typing import Final

from prometheus_client.utils import floatToGoString

from filewallball.observability.contract import CONTRACT
from filewallball.observability.metric import COUNTER, GAUGE, HISTOGRAM, Metric

MULTIPROCESS_MODE: Final = "livesum"
_shown: Callable[[float], str] = floatToGoString
_encoded = JSONEncoder(sort_keys=True).encode  # what `mmap_key` of prometheus_client makes anew for each key


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
    return f"{GAUGE}_{MULTIPROCESS_MODE}" if metric.kind == GAUGE else metric.kind


def keys_of(metric: Metric, values: Sequence[str]) -> Iterator[str]:
    """The keys of everything that is kept of a metric under these label values, as prometheus_client names them."""
    labels = dict(zip(metric.label_names, values, strict=True))
    if metric.kind == HISTOGRAM:
        yield _encoded([metric.name, f"{metric.name}_sum", labels, metric.about])
        for bound in (*metric.buckets, inf):
            le = {"le": _shown(bound)}
            yield _encoded([metric.name, f"{metric.name}_bucket", labels | le, metric.about])
        return
    name = metric.name.removesuffix("_total") if metric.kind == COUNTER else metric.name
    yield _encoded([name, metric.name, labels, metric.about])

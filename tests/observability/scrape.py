"""Read a scrape back: samples by name and labels."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(text: str) -> Samples:
    """Every sample of a scrape; fails on text that Prometheus would not take, and on a series that comes twice."""
    parse = parse_openmetrics if text.endswith("# EOF\n") else parse_text
    found: Samples = {}
    for family in parse(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


class Exemplar(NamedTuple):
    """An exemplar, and the bounds of the bucket that it stands by."""

    family: str
    labels: dict[str, str]
    low: float
    high: float


def exemplars_of(text: str) -> list[Exemplar]:
    """Every exemplar of a scrape as OpenMetrics."""
    found, low = [], 0.0
    families: Iterable[Any] = parse_openmetrics(text)  # type: ignore[no-untyped-call]
    for family in families:
        for sample in family.samples:
            bound = float(sample.labels.get("le", "0"))
            low = 0.0 if bound <= low else low
            if sample.exemplar:
                found.append(Exemplar(family.name, dict(sample.exemplar.labels), low, bound))
            low = bound
    return found


def value_of(samples: Samples, name: str, **labels: str) -> float:
    """The sample with exactly these labels; 0 where there is none."""
    return samples.get((name, frozenset(labels.items())), 0.0)


def total_of(samples: Samples, name: str, **labels: str) -> float:
    """The sum over all series of a name that carry at least these labels."""
    wanted = labels.items()
    return sum(value for (sample, own), value in samples.items() if sample == name and wanted <= own)


def sorted_lines(text: str) -> list[str]:
    """Sample lines in one order, for comparing two scrapes."""
    return sorted(line for line in text.splitlines() if not line.startswith("#"))


def names_of(samples: Iterable[tuple[str, object]]) -> set[str]:
    return {name for name, _ in samples}

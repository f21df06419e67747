"""The form of one metric of the contract."""

from dataclasses import dataclass
from math import prod

from filewallball.observability.labels import Label

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


def one_of(name: str, *values: str) -> Label:
    return Label(name, len(values), ", ".join(values))


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the contract. `scraped` gauges are read at the scrape; all else lives in slot files."""

    name: str
    kind: str
    about: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    scraped: bool = False
    preset: tuple[tuple[str, ...], ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def worst_case(self) -> int:
        """The most lines that one slot can ever add to a scrape."""
        lines_each = len(self.buckets) + 3 if self.kind == HISTOGRAM else 1
        return prod(label.size for label in self.labels) * lines_each

    @property
    def sample_names(self) -> tuple[str, ...]:
        """The names of its samples, which a query may use."""
        if self.kind == HISTOGRAM:
            return tuple(f"{self.name}_{suffix}" for suffix in ("bucket", "count", "sum"))
        return (self.name,)

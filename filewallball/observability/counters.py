"""Read back what was counted: the sums of every slot's counters, and since when they count."""

from collections import defaultdict
from pathlib import Path
from struct import Struct

from filewallball.observability.metric_store.collector import metric_files
from filewallball.observability.metric_store.metric_file import (
    HEADER_BYTES,
    entries,
    parse_key,
    used_bytes,
)
from filewallball.observability.uptime import started_at
from filewallball.recording.event_ids import Anchor, note_anchor, read_anchor

EPOCH = "epoch"
Labels = frozenset[tuple[str, str]]
_double_at = Struct("d").unpack_from


def note_epoch(directory: Path) -> None:
    """Remember that counting begins now."""
    note_anchor(directory / EPOCH)


def epoch(directory: Path) -> Anchor | None:
    """The moment at which counting began; None if no service ever started here."""
    return read_anchor(directory / EPOCH)


def began_at(directory: Path) -> float:
    """The Unix time since which the counters count; an upgrade goes on with them, so that may be before its start."""
    noted, start = epoch(directory), started_at()
    return (
        start if noted is None else min(noted.moment_us / 1e6, start)
    )  # the noted one may lie ahead of the clock


class Counters:
    """All counters of a directory at one moment. Raises OSError or Unreadable where a file cannot be read."""

    def __init__(self, directory: Path) -> None:
        self._totals = defaultdict[tuple[str, Labels], float](float)
        for path in metric_files(directory):
            if path.name.startswith("counter_"):
                self._add(path.read_bytes())

    def total(self, name: str, **labels: str) -> int:
        """The sum of the series of a counter that have these labels."""
        wanted = labels.items()
        return sum(
            round(value) for (sample, has), value in self._totals.items() if sample == name and wanted <= has
        )

    def _add(self, data: bytes) -> None:
        for key, index in entries(data, HEADER_BYTES, used_bytes(data, len(data))):
            _, sample, labels, _ = parse_key(key)
            (value,) = _double_at(data, 8 * index)
            self._totals[sample, frozenset(labels.items())] += value

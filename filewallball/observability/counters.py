"""Read back what was counted: the sums of every slot's counters, and since when they count."""

from pathlib import Path

from prometheus_client.multiprocess import MultiProcessCollector

from filewallball.observability.metric_store.collector import metric_files
from filewallball.observability.uptime import started_at
from filewallball.recording.event_ids import Anchor, note_anchor, read_anchor

EPOCH = "epoch"


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
    """All counters of a directory at one moment. Raises OSError or ValueError where a file cannot be read."""

    def __init__(self, directory: Path) -> None:
        paths = [str(path) for path in metric_files(directory) if path.name.startswith("counter_")]
        merged = MultiProcessCollector.merge(paths)  # type: ignore[no-untyped-call]
        self._samples = [sample for metric in merged for sample in metric.samples]

    def total(self, name: str, **labels: str) -> int:
        """The sum of the series of a counter that have these labels."""
        wanted = [
            sample
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(round(sample.value) for sample in wanted)

"""The comparison as tables: one of downloads and one of uploads for each size and number of connections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers.measuring import Sample


@dataclass(frozen=True)
class Row:
    """One contestant's medians; `syncs` of an upload, or None where they were not counted."""

    key: str
    name: str
    sample: Sample
    syncs: float | None = None


def downloads(title: str, rows: Sequence[Row]) -> str:
    return _table(title, rows, {}, {"copyparty": "copyparty", "bare": "bare view"})


def uploads(title: str, rows: Sequence[Row]) -> str:
    costs = {row.key: [_kibibytes(row.sample.written), _count(row.syncs)] for row in rows}
    others = {"copyparty": "copyparty", "bare": "bare view", "syncing": "one that syncs"}
    return _table(title, rows, costs, others, ("written", "syncs"))


def _table(
    title: str,
    rows: Sequence[Row],
    costs: Mapping[str, Sequence[str]],
    others: Mapping[str, str],
    cost_names: Sequence[str] = (),
) -> str:
    rates = {row.key: row.sample.rate for row in rows}
    head = [title, "per second", "p50", "p99", "CPU", *cost_names, *(f"× {name}" for name in others.values())]
    lines = [head]
    for row in rows:
        ratios = [_ratio(row.sample.rate, rates.get(other)) for other in others]
        lines.append([_name(row), *_figures(row.sample), *costs.get(row.key, ()), *ratios])
    return _markdown(lines)


def _name(row: Row) -> str:
    return f"{row.name} ({row.sample.failures} requests failed)" if row.sample.failures else row.name


def _figures(sample: Sample) -> list[str]:
    if not sample.rate:
        return ["none in time", "", "", ""]
    times = [f"{seconds * 1e3:,.1f} ms" for seconds in (sample.p50, sample.p99)]
    return [f"{sample.rate:,.{0 if sample.rate >= 100 else 1}f}", *times, f"{sample.cpu * 1e6:,.0f} µs"]


def _kibibytes(count: float | None) -> str:
    return "not counted" if count is None else f"{count / 1024:,.0f} KiB"


def _count(count: float | None) -> str:
    return "not counted" if count is None else f"{count:.2f}"


def _ratio(rate: float, other: float | None) -> str:
    return f"{rate / other:.2f}" if other else ""


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    written = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    written.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(written)

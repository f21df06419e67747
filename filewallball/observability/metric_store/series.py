"""Merged series as text: a block is all lines of one label set, rendered again when its values move."""

from collections.abc import Mapping
from itertools import accumulate
from operator import attrgetter

from filewallball.observability.metric_store.numbers import number_text

_text_of, _openmetrics_of = attrgetter("text"), attrgetter("with_exemplars")
_FIRST_WITH_EXPONENT = 1e6
"""From here on the formats write a number unlike Python; below, to ask for its text each time would take too long."""


class Block:
    """The lines of one label set: one for a counter, a dozen for a histogram; rows number the values."""

    __slots__ = (
        "_buckets",
        "_count_prefix",
        "_exemplars",
        "_family",
        "_lines",
        "_rows",
        "_template",
        "text",
        "with_exemplars",
    )

    def __init__(self, family: "Family") -> None:
        self._family = family
        self.text = ""
        self.with_exemplars = ""
        """The lines, those of buckets with their exemplars, as of the last call of `end_lines`."""
        self._exemplars: dict[float, str] = {}
        self._lines: dict[str, list[int]] = {}
        self._buckets: dict[float, tuple[str, list[int]]] = {}
        self._count_prefix = ""
        self._template = ""
        self._rows: list[list[int]] = []

    def add_line(self, prefix: str, row: int) -> None:
        """Add a line with a value of its own, unlike a histogram's buckets."""
        self._lines.setdefault(prefix, []).append(row)
        self._template = ""

    def add_bucket(self, bound: float, prefix: str, count_prefix: str, row: int) -> None:
        """A histogram's bucket; buckets add up from the lowest to the highest, which is the count."""
        is_out_of_order = bool(self._buckets) and bound < next(reversed(self._buckets))
        self._buckets.setdefault(bound, (prefix, []))[1].append(row)
        if is_out_of_order:
            self._buckets = dict(sorted(self._buckets.items()))
        self._count_prefix = count_prefix
        self._template = ""

    def set_exemplar(self, bound: float, text: str) -> None:
        """Let the line of a bucket end with this text in OpenMetrics."""
        self._exemplars[bound] = text

    def forget_exemplars(self) -> None:
        self._exemplars.clear()

    def end_lines(self) -> None:
        """Write the lines with their exemplars."""
        if not self._exemplars:
            self.with_exemplars = self.text
            return
        lines = self.text.splitlines()
        for place, bound in enumerate(self._buckets):
            if bound in self._exemplars:
                lines[place] += self._exemplars[bound]
        self.with_exemplars = "\n".join((*lines, ""))

    def render(self, totals: list[float]) -> None:
        if not self._template:
            self._arrange()
        values = [
            totals[rows[0]] if len(rows) == 1 else sum([totals[row] for row in rows]) for rows in self._rows
        ]
        if count := len(self._buckets):
            values[:count] = accumulate(values[:count])
            values.insert(count, values[count - 1])
        self.text = self._template % tuple(
            [value if 0 <= value < _FIRST_WITH_EXPONENT else number_text(value) for value in values]
        )
        self._family.rendered(self)

    def _arrange(self) -> None:
        """Prepare the text of all lines, with `%s` in place of each value, and the rows of the values."""
        prefixes = [prefix for prefix, _ in self._buckets.values()]
        prefixes += [self._count_prefix] if prefixes else []
        prefixes += self._lines
        self._template = "".join(prefix.replace("%", "%%") + "%s\n" for prefix in prefixes)
        self._rows = [*(rows for _, rows in self._buckets.values()), *self._lines.values()]


class Family:
    """All blocks of one metric, and their joint text."""

    def __init__(self, name: str, kind: str, about: str) -> None:
        self.name, self.kind, self.about = name, kind, about
        self._text: str | None = None
        self._with_exemplars: str | None = None
        self._has_exemplars = False
        self._unended: set[Block] = set()
        self._blocks: dict[tuple[tuple[str, str], ...], Block] = {}

    def add(self, sample: str, labels: Mapping[str, str], row: int) -> Block:
        """Place a row; returns the block that it is part of."""
        outer = _outer(labels)
        block = self._blocks.setdefault(tuple(sorted(outer.items())), Block(self))
        if self.kind == "histogram" and "le" in labels:
            bound = float(labels["le"])
            prefix = line_prefix(f"{self.name}_bucket", {**outer, "le": number_text(bound)})
            block.add_bucket(bound, prefix, line_prefix(f"{self.name}_count", outer), row)
        else:
            block.add_line(line_prefix(sample, labels), row)
        return block

    def forget_exemplars(self) -> None:
        """Show none until they are set again."""
        for block in self._blocks.values():
            block.forget_exemplars()
        self._unended.update(self._blocks.values())
        self._has_exemplars, self._with_exemplars = False, None

    def set_exemplar(self, labels: Mapping[str, str], text: str) -> None:
        """Note an exemplar of a bucket; of a series that is not here, none."""
        block = self._blocks.get(tuple(sorted(_outer(labels).items())))
        if block is not None and "le" in labels:
            block.set_exemplar(float(labels["le"]), text)
            self._unended.add(block)
            self._has_exemplars, self._with_exemplars = True, None

    def rendered(self, block: Block) -> None:
        """Join all lines anew when they are next asked for: those of a block are others."""
        self._unended.add(block)
        self._text = self._with_exemplars = None

    @property
    def lines(self) -> str:
        """Every sample line."""
        if self._text is None:
            self._text = "".join(map(_text_of, self._blocks.values()))
        return self._text

    @property
    def lines_with_exemplars(self) -> str:
        """Every sample line as OpenMetrics has it."""
        if not self._has_exemplars:
            return self.lines
        if self._with_exemplars is None:
            for block in self._unended:
                block.end_lines()
            self._unended.clear()
            self._with_exemplars = "".join(map(_openmetrics_of, self._blocks.values()))
        return self._with_exemplars


def line_prefix(sample: str, labels: Mapping[str, str]) -> str:
    """The text before the value of a sample."""
    shown = ",".join(f'{name}="{escape(value)}"' for name, value in sorted(labels.items()))
    return f"{sample}{{{shown}}} " if shown else f"{sample} "


def escape(value: str) -> str:
    """A label value as both exposition formats write it."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _outer(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "le"}

"""The answer to a scrape: the merged files and the gauges read at that moment, as Prometheus text or OpenMetrics."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client import exposition as prometheus_text
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics import exposition as openmetrics
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from filewallball.errors import ApiError
from filewallball.observability.contract import BY_NAME
from filewallball.observability.metric_store.collector import Collector, exemplar_files, metric_files
from filewallball.observability.metric_store.metric_file import Unreadable, check_file, slot_of
from filewallball.observability.metric_store.series import Family, escape
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metric_store.values import set_aside

logger = logging.getLogger(__name__)

TEXT = prometheus_text.CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS = openmetrics.CONTENT_TYPE_LATEST
Value = float | Mapping[tuple[str, ...], float]
_END = "# EOF\n"
_ANY_TEXT, _JSON = "text", "application/json"
# Media ranges and the answer that each asks for; `text/plain` with a version asks for TEXT by name.
_ANSWERS = {
    "application/openmetrics-text": OPENMETRICS,
    **dict.fromkeys(("text/plain", "text/*", "*/*"), _ANY_TEXT),
    _JSON: _JSON,
}


class Exposition:
    """Renders all metrics of one directory, and of the readers registered beside it."""

    def __init__(self, directory: Path, slots: Slots, unreadable: Callable[[int], None]) -> None:
        self._directory = directory
        self._slots = slots
        self._collector = Collector()
        self._unreadable = unreadable
        self._readers: dict[str, Callable[[], Value]] = {}

    def register(self, name: str, read: Callable[[], Value]) -> None:
        """Call `read` at each scrape for the gauge `name` of the contract; by label values if it has labels."""
        if not BY_NAME[name].scraped:
            raise ValueError(f"{name} is not a gauge that is read at the scrape")
        self._readers[name] = read

    def render(self, accept: str | None, names: Iterable[str] | None = None) -> tuple[str, str]:
        """(text, content type) in the form that the Accept header prefers; only samples called `names`, if any."""
        paths = metric_files(self._directory)
        content_type = preferred(accept)
        exemplars = exemplar_files(self._directory) if content_type == OPENMETRICS else None
        families, unreadable = self._collector.collect(paths, exemplars)
        gauges, unreadable_gauges = _gauges(paths)
        foreign = [path for path in paths if slot_of(path) is None]
        self._report([*{*unreadable, *unreadable_gauges, *foreign}])
        wanted = frozenset(names or ())
        parts = [_family_text(family, lines, content_type, wanted) for family, lines in families]
        parts.append(_stock_text([*gauges, *self._read()], content_type, wanted))
        if content_type == OPENMETRICS:
            parts.append(_END)
        return "".join(parts), content_type

    def _report(self, unreadable: list[Path]) -> None:
        """Count unreadable files, and put those aside that no live process is using."""
        if unreadable:
            self._unreadable(len(unreadable))
        for path in unreadable:
            number = slot_of(path)
            if number is None:
                set_aside(path)
                continue
            with self._slots.borrowed(number) as is_free:
                if is_free:
                    set_aside(path)

    def _read(self) -> Iterator[Metric]:
        for name, read in self._readers.items():
            try:
                metric = BY_NAME[name]
                yield gauge(name, metric.about, read(), metric.label_names)
            except Exception as error:  # the other metrics are still true
                surprising = not isinstance(error, ApiError)
                logger.warning("A metric could not be read", extra={"metric": name}, exc_info=surprising)


def gauge_total(directory: Path, name: str) -> float:
    """The sum of a gauge that each process of this host keeps for itself; files that cannot be read are left out."""
    gauges, _ = _gauges(metric_files(directory))
    return float(sum(sample.value for metric in gauges if metric.name == name for sample in metric.samples))


def _gauges(paths: list[Path]) -> tuple[list[Metric], list[Path]]:
    """Gauges merge by their mode, which is the stock collector's business; there are few."""
    good, bad = list[str](), list[Path]()
    for path in paths:
        if path.name.startswith("gauge_"):
            try:
                check_file(path)
                good.append(str(path))
            except FileNotFoundError:
                continue
            except (Unreadable, OSError):
                bad.append(path)
    return list(MultiProcessCollector.merge(good)), bad  # type: ignore[no-untyped-call]


def preferred(accept: str | None) -> str:
    """The content type to answer with: OpenMetrics only if it is asked for by name and nothing is liked more."""
    asked = (answer for answer, quality in _asked_for(accept) if quality > 0 and answer != _JSON)
    return OPENMETRICS if next(asked, TEXT) == OPENMETRICS else TEXT


def preferred_to_json(accept: str | None) -> str | None:
    """The same where JSON is what others get, then None; text is only meant with a `version`."""
    liked = dict.fromkeys((OPENMETRICS, TEXT, _ANY_TEXT, _JSON), 0.0)
    for answer, quality in _asked_for(accept):
        liked[answer] = max(liked[answer], quality)
    chosen = OPENMETRICS if liked[OPENMETRICS] >= liked[TEXT] else TEXT
    return chosen if liked[chosen] > liked[_JSON] else None


def encode(metrics: Iterable[Metric], content_type: str) -> str:
    """Metrics as text of one of the two types."""
    collector = _Fixed(metrics)
    if content_type == OPENMETRICS:
        return str(openmetrics.generate_latest(collector).decode())  # type: ignore[no-untyped-call]
    return prometheus_text.generate_latest(collector).decode()


def gauge(name: str, about: str, value: Value, label_names: Sequence[str] = ()) -> Metric:
    """A gauge with one value, or one for each combination of label values."""
    family = GaugeMetricFamily(name, about, labels=label_names)
    by_labels = value if isinstance(value, Mapping) else {(): value}
    for values, number in by_labels.items():
        family.add_metric(values, number)
    return family


def _asked_for(accept: str | None) -> Iterator[tuple[str, float]]:
    """The answers that an Accept header asks for, the most closely described first, and how much each is liked."""
    for media_range, quality in parse_accept_header(accept, MIMEAccept):
        kind, _, parameters = media_range.lower().replace(" ", "").partition(";")
        has_version = any(part.startswith("version=") for part in parameters.split(";"))
        if kind == "text/plain" and has_version:
            yield TEXT, quality
        elif kind in _ANSWERS:
            yield _ANSWERS[kind], quality


def _family_text(family: Family, lines: str, content_type: str, wanted: frozenset[str]) -> str:
    if wanted:
        chosen = [line for line in lines.splitlines(keepends=True) if _sample_name(line) in wanted]
        if not chosen:
            return ""
        lines = "".join(chosen)
    if content_type == OPENMETRICS:
        return f"# HELP {family.name} {escape(family.about)}\n# TYPE {family.name} {family.kind}\n{lines}"
    name = f"{family.name}_total" if family.kind == "counter" else family.name
    about = family.about.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {about}\n# TYPE {name} {family.kind}\n{lines}"


def _sample_name(line: str) -> str:
    return line.partition(" ")[0].partition("{")[0]


def _stock_text(metrics: list[Metric], content_type: str, wanted: frozenset[str]) -> str:
    chosen = [metric for metric in metrics if not wanted or metric.name in wanted]
    return encode(chosen, content_type).removesuffix(_END)


class _Fixed:
    """A registry of fixed metrics, with the one method that prometheus_client's encoders call."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics

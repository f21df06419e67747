"""Series that Prometheus records because several panels read them, without the labels that none of these asks for.

Each is a rate over a minute, recorded four times a minute, and counts the first events of a series too. So the sum of
its samples in a window, times the seconds between them, is the number of events in that window: as exact as the
counter itself, over any window from a minute on. Families with exemplars are not among them: panels show those of the
series that they ask for.
"""

from dataclasses import dataclass

from filewallball.ops import promql
from filewallball.ops.request_failures import Record

SHARED_GROUP = "filewallball-shared"
INTERVAL_SECONDS = 15
"""Between two samples, whatever else Prometheus evaluates how often."""
_WINDOW = "1m"


@dataclass(frozen=True, slots=True)
class Shared:
    """One recorded series; `counter` is what it is recorded from, and `labels` are those that are kept."""

    name: str
    counter: str
    labels: tuple[str, ...]

    @property
    def record(self) -> Record:
        """The rule."""
        by = ", ".join(("job", "instance", *self.labels))
        return Record(self.name, f"sum by ({by}) {promql.rate(self.counter, _WINDOW)}")

    def increase(self, window: str, selector: str = "@") -> str:
        """PromQL for the number of events within a window."""
        return f"({INTERVAL_SECONDS} * sum_over_time({self.name}{{{selector}}}[{window}]))"

    def per_second(self, window: str, selector: str = "@") -> str:
        """The same for each second."""
        return f"({self.increase(window, selector)} / {promql.seconds(window)})"

    def quantile(self, share: float, window: str, selector: str = "@", by: str = "le") -> str:
        """A quantile of what a histogram observed; nothing where that is nothing."""
        return f"histogram_quantile({share}, sum by ({by}) {self.increase(window, selector)}) >= 0"


def _of(name: str, counter: str, *labels: str) -> Shared:
    return Shared(f"filewallball:{name}:rate1m", counter, labels)


REQUEST_DURATIONS = _of("request_duration", "flask_http_request_duration_seconds_bucket", "url_rule", "le")
FILE_SIZES = _of("file_size", "file_size_bytes_bucket", "le")
ANSWERS = _of("answers", "flask_http_request_total", "status")
ERRORS = _of("errors", "errors_total", "error_type")
SHARED = (REQUEST_DURATIONS, FILE_SIZES, ANSWERS, ERRORS)

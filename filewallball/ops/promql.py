"""PromQL that counts the first events of a series too.

A series with a label such as `client_ip` appears with its first event: the first sample that Prometheus gets may be
59, and its own `increase` starts there. Here the first sample counts in full where the series is known to be new: the
target was scraped at the start of the window and did not show it, or all counters began within the window. After a
gap in the scrapes neither holds, so that old counts are not taken for new ones.
"""

# How far before the window a scrape may lie: one that failed must not make every series look new.
_BEFORE = "1m"


def increase(series: str, window: str) -> str:
    """The events of a counter within the window. A series that is both new and reset in it counts with its peak."""
    return f"({_born(series, window)} or increase({series}[{window}]))"


def rate(series: str, window: str) -> str:
    """The same per second."""
    return f"(({_born(series, window)}) / {seconds(window)} or rate({series}[{window}]))"


def seconds(window: str) -> str:
    """The length of the window, also where Grafana fills it in."""
    return f"scalar(time() - {_start(window)})"


def quantile(share: float, buckets: str, window: str, by: str = "le") -> str:
    """A quantile of a histogram; nothing where nothing was observed."""
    return f"histogram_quantile({share}, sum by ({by}) {rate(buckets, window)}) >= 0"


def _born(series: str, window: str) -> str:
    watched = f"max_over_time(up[{_BEFORE}] offset {window}) == 1"
    started = f"counters_start_time_seconds > scalar({_start(window)})"
    return (
        f"max_over_time({series}[{window}]) unless last_over_time({series}[{_BEFORE}] offset {window})"
        f" and on (job, instance) ({watched} or {started})"
    )


def _start(window: str) -> str:
    """The time at which the window starts, also where Grafana fills the window in."""
    return f"max_over_time(vector(time())[1s:1s] offset {window})"

"""Health as Prometheus metrics, for a scrape job that points at `/health` itself."""

from collections.abc import Iterator, Mapping

from filewallball.health.checks import DEGRADED, DISABLED, HEALTHY, UNHEALTHY, CheckResult, worst
from filewallball.observability.exposition import Metric, encode, gauge

VALUES = {HEALTHY: 1.0, DEGRADED: 0.5, UNHEALTHY: 0.0, DISABLED: float("nan")}
_MEANING = "1 healthy, 0.5 degraded, 0 unhealthy, NaN not configured"


def render(
    results: Mapping[str, CheckResult], *, uptime_seconds: float, draining: bool, content_type: str
) -> str:
    """All results as samples, one service a line."""
    return encode(_metrics(results, uptime_seconds, draining), content_type)


def _metrics(results: Mapping[str, CheckResult], uptime_seconds: float, draining: bool) -> Iterator[Metric]:
    status: dict[tuple[str, ...], float] = {("overall",): VALUES[worst(results.values())]}
    status |= {(name,): VALUES[result.status] for name, result in results.items()}
    seconds: dict[tuple[str, ...], float] = {
        (name,): round(result.seconds, 6) for name, result in results.items() if result.seconds is not None
    }
    yield gauge("filewallball_health_status", f"How a service is: {_MEANING}", status, ["service"])
    yield gauge(
        "filewallball_health_response_seconds",
        "How long the last check took, or has taken",
        seconds,
        ["service"],
    )
    yield gauge("filewallball_uptime_seconds", "Time since the service started", round(uptime_seconds, 3))
    yield gauge(
        "filewallball_draining", "1 while the service asks to be left out of rotation", float(draining)
    )

"""Health as Prometheus text, for a scrape job that points at `/health` itself."""

from collections.abc import Iterable, Iterator, Mapping

from filewallball.health.checks import DEGRADED, DISABLED, HEALTHY, UNHEALTHY, Reading, worst

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
VALUES = {HEALTHY: "1", DEGRADED: "0.5", UNHEALTHY: "0", DISABLED: "NaN"}
_MEANING = "1 healthy, 0.5 degraded, 0 unhealthy, NaN not configured"


def wanted_format(accepted: Iterable[tuple[str, float]]) -> str | None:
    """The content type to answer with, or None for JSON; from the media ranges of an Accept header.

    Only an explicit `application/openmetrics-text`, or `text/plain` with a `version`, asks for metrics.
    """
    best = {TEXT: 0.0, OPENMETRICS: 0.0, "json": 0.0}
    for media_range, quality in accepted:
        kind, _, parameters = media_range.lower().replace(" ", "").partition(";")
        if kind == "application/openmetrics-text":
            best[OPENMETRICS] = max(best[OPENMETRICS], quality)
        elif kind == "text/plain" and any(part.startswith("version=") for part in parameters.split(";")):
            best[TEXT] = max(best[TEXT], quality)
        elif kind == "application/json":
            best["json"] = max(best["json"], quality)
    chosen = OPENMETRICS if best[OPENMETRICS] >= best[TEXT] else TEXT
    return chosen if best[chosen] > best["json"] else None


def render(
    readings: Mapping[str, Reading], *, uptime_seconds: float, draining: bool, openmetrics: bool
) -> str:
    """All readings as samples, one service a line."""
    lines = list(_samples(readings, uptime_seconds, draining))
    if openmetrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def _samples(readings: Mapping[str, Reading], uptime_seconds: float, draining: bool) -> Iterator[str]:
    yield from _head("filewallball_health_status", f"How a service is: {_MEANING}")
    yield f'filewallball_health_status{{service="overall"}} {VALUES[worst(readings.values())]}'
    for name, reading in readings.items():
        yield f'filewallball_health_status{{service="{name}"}} {VALUES[reading.status]}'
    yield from _head("filewallball_health_response_seconds", "How long the last check took, or has taken")
    for name, reading in readings.items():
        if reading.seconds is not None:
            yield f'filewallball_health_response_seconds{{service="{name}"}} {reading.seconds:.6f}'
    yield from _head("filewallball_uptime_seconds", "Time since the service started")
    yield f"filewallball_uptime_seconds {uptime_seconds:.3f}"
    yield from _head("filewallball_draining", "1 while the service asks to be left out of rotation")
    yield f"filewallball_draining {int(draining)}"


def _head(name: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} gauge"

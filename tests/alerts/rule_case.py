"""The form of an alert's histories, in promtool's words."""

from dataclasses import dataclass

UP = 'up{job="filewallball",instance="a:8000"}'
HEALTH_UP = 'up{job="filewallball-health",instance="a:8000"}'
AT = 'job="filewallball",instance="a:8000"'


@dataclass(frozen=True, slots=True)
class Case:
    """`pending` is a moment before its time is over, `fires` one after it, `resolved` one after the end."""

    alert: str
    history: dict[str, str]
    pending: str
    fires: str
    resolved: str
    silent: dict[str, str]
    interval: str = "1m"
    evaluated: str = "15s"
    until: str = "1h"
    count: int = 1

"""Operations that failed by the service's fault, and those that succeeded: both numbers of every share of failures."""

from dataclasses import dataclass, field

from filewallball.observability.vocabulary import OTHER, SERVER_ERRORS
from filewallball.ops.promql import increase

# What Alertmanager posts says nothing about clients, and fails when the service does.
_OWN_ROUTE = "/api/v1/alerts/webhook"
# Nobody asks for these: jobs and commands do them.
_OWN_ACTIONS = (
    *("alert:.*", "backup:.*", "drain:.*", "upgrade:.*", "file:(expire|scan|scrub)", "audit:(verify|prune)"),
    "stats:(rebuild|reconcile)",
)


def faults(window: str, selector: str = "") -> str:
    """PromQL for requests that failed by the service's fault, by error and endpoint."""
    codes = "|".join((*SERVER_ERRORS, OTHER))
    return increase(f'errors_total{{error_type=~"{codes}",endpoint!="{_OWN_ROUTE}"{selector}}}', window)


def successes(window: str, selector: str = "") -> str:
    """PromQL for requests that succeeded, by action."""
    series = f'operations_total{{status="success",action!~"{"|".join(_OWN_ACTIONS)}"{selector}}}'
    return f"(increase({series}[{window}]))"


@dataclass(frozen=True, slots=True)
class Record:
    """A series that Prometheus computes for the alert rules."""

    name: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)


FAULTS = Record("filewallball:faults:increase5m", f"sum by (instance) {faults('5m')}")
SUCCESSES = Record("filewallball:successes:increase5m", f"sum by (instance) {successes('5m')}")

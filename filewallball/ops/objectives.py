"""Service level objectives: what is promised, how much of the promise is spent, and the alerts on how fast.

Windows and factors follow «Alerting on SLOs» (Site Reliability Workbook, chapter 5): a budget for 30 days, spent at
14.4 times its pace for an hour, is 2 % of it; at 6 times for six hours 5 %; at its pace for three days 10 %.
"""

from dataclasses import dataclass
from datetime import timedelta

from filewallball.ops.guide_rules import CRITICAL, PAGED, TOLD, WARNING, WOKEN, Rule
from filewallball.ops.request_failures import Record, faults, successes
from filewallball.settings.service import Settings

BUDGET_DAYS = 30
BAD, ALL = "filewallball:slo_bad:increase5m", "filewallball:slo_all:increase5m"
BUDGET = "filewallball:slo_error_budget:ratio30d"
_BY = "sum by (job, instance)"
_HOUR = 3600
# On an idle service one failure may be a large share.
_FEWEST_BAD = 3


@dataclass(frozen=True, slots=True)
class Objective:
    """A share of events that must be good; `bad` and `every` are PromQL for their numbers in 5 minutes."""

    slo: str
    title: str
    promise: str
    share: float
    bad: str
    every: str

    @property
    def selector(self) -> str:
        return f'slo="{self.slo}"'


@dataclass(frozen=True, slots=True)
class _Pace:
    """A multiple of the allowed speed at which the budget is spent: over a long window and, still now, a short one."""

    suffix: str
    factor: float
    long: timedelta
    short: str
    hold: str
    severity: str
    channels: tuple[str, ...]


_PACES = (
    _Pace("BurnsFast", 14.4, timedelta(hours=1), "5m", "2m", CRITICAL, PAGED),
    _Pace("Burns", 6, timedelta(hours=6), "30m", "15m", CRITICAL, WOKEN),
    _Pace("BurnsSlowly", 1, timedelta(days=3), "6h", "1h", WARNING, TOLD),
)


def objectives(settings: Settings) -> tuple[Objective, ...]:
    """The objectives of this deployment."""
    within = settings.slo_upload_within.total_seconds()
    bad, good = f"{_BY} {faults('5m')}", f"{_BY} {successes('5m')}"
    commits = "upload_commit_duration_seconds"
    every = f"{_BY} (increase({commits}_count[5m]))"
    in_time = f'{_BY} (increase({commits}_bucket{{le="{within}"}}[5m]))'
    return (
        Objective(
            "availability",
            "Availability",
            f"{settings.slo_availability:g} % of operations do not fail by the service's fault",
            settings.slo_availability / 100,
            f"({bad} or 0 * {good})",
            f"({good} + ({bad} or 0 * {good}))",
        ),
        Objective(
            "upload_commit",
            "UploadCommit",
            f"{settings.slo_upload_commit:g} % of uploads are stored within {within:g} s of their last byte",
            settings.slo_upload_commit / 100,
            f"({every} - {in_time})",
            every,
        ),
    )


def records(settings: Settings) -> tuple[Record, ...]:
    """Bad and all events of 5 minutes for each objective, and the share of its error budget that is left.

    Longer windows are averages of these: cheap, whatever the number of series below.
    """
    found = objectives(settings)
    return (
        *(Record(BAD, each.bad, {"slo": each.slo}) for each in found),
        *(Record(ALL, each.every, {"slo": each.slo}) for each in found),
        *(Record(BUDGET, _budget(each), {"slo": each.slo}) for each in found),
    )


def rules(settings: Settings) -> tuple[Rule, ...]:
    """The burn-rate alerts."""
    return tuple(_rule(each, pace) for each in objectives(settings) for pace in _PACES)


def share_of_bad(objective: Objective, window: str) -> str:
    """PromQL for the share of bad events within a window; nothing where there was no traffic."""
    bad, every = (f"avg_over_time({name}{{{objective.selector}}}[{window}])" for name in (BAD, ALL))
    return f"{bad} / ({every} > 0)"


def _budget(objective: Objective) -> str:
    return f"1 - ({share_of_bad(objective, f'{BUDGET_DAYS}d')}) / {_rounded(1 - objective.share)}"


def _rule(objective: Objective, pace: _Pace) -> Rule:
    limit = _rounded(pace.factor * (1 - objective.share))
    hours = round(pace.long.total_seconds()) // _HOUR
    long = f"{hours}h"
    number = f"sum_over_time({BAD}{{{objective.selector}}}[{long}:5m])"
    expr = (
        f"({share_of_bad(objective, long)}) > {limit} and ({share_of_bad(objective, pace.short)}) > {limit}"
        f" and {number} > {_FEWEST_BAD}"
    )
    return Rule(
        f"{objective.title}{pace.suffix}",
        expr,
        pace.hold,
        pace.severity,
        f"The error budget of {objective.slo} is spent too fast",
        f"{{{{ $value | humanizePercentage }}}} of events on {{{{ $labels.instance }}}} were bad in {hours} h, more "
        f"than {pace.factor:g} times what the objective allows: {objective.promise}",
        pace.channels,
    )


def _rounded(share: float) -> float:
    """0.1 % is 0.001, not 0.0010000000000000009."""
    return round(share, 9)

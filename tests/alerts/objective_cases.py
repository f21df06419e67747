"""The histories of alerts on error budgets: spent fast, faster than allowed, slowly; and idle services."""

from tests.alerts.rule_case import AT, Case

_DONE = f'operations_total{{action="file:upload",status="success",{AT}}}'
_FAILED = f'errors_total{{error_type="unavailable",endpoint="/upload",{AT}}}'
_COMMITS = f"upload_commit_duration_seconds_count{{{AT}}}"
_IN_TIME = f'upload_commit_duration_seconds_bucket{{le="1.0",{AT}}}'


def _bad_for(minutes: int, each: int) -> str:
    """No fault for an hour, then so many a minute, then no more."""
    return f"0x60 {each}+{each}x{minutes - 1} {each * minutes}x700"


def _late_for(minutes: int, each: int) -> str:
    """As above, of 100 a minute."""
    before, good = 100 * 60, 100 - each
    after = before + good * minutes
    return f"0+100x60 {before + good}+{good}x{minutes - 1} {after + 100}+100x700"


# How long, how many a minute; a moment before the alert, one while it fires, one after it.
_MOMENTS = {
    "BurnsFast": (30, 9, "63m", "85m", "110m"),
    "Burns": (60, 9, "62m", "105m", "160m"),
    "BurnsSlowly": (180, 3, "62m", "200m", "620m"),
}
_EVALUATED = {"BurnsFast": "1m", "Burns": "5m", "BurnsSlowly": "5m"}
# An upload may be late much more often than an operation may fail.
_LATE_TIMES = {"BurnsFast": 6, "Burns": 4, "BurnsSlowly": 3}


def _availability(suffix: str, minutes: int, each: int, pending: str, fires: str, resolved: str) -> Case:
    return Case(
        f"Availability{suffix}",
        {_DONE: "0+100x1000", _FAILED: _bad_for(minutes, each)},
        pending,
        fires,
        resolved,
        # Nobody is there, and two requests fail.
        silent={_DONE: "0x60 1x900", _FAILED: "0x60 1x10 2x900"},
        evaluated=_EVALUATED[suffix],
        until="12h",
    )


def _commit(suffix: str, minutes: int, each: int, pending: str, fires: str, resolved: str) -> Case:
    return Case(
        f"UploadCommit{suffix}",
        {_COMMITS: "0+100x1000", _IN_TIME: _late_for(minutes, each * _LATE_TIMES[suffix])},
        pending,
        fires,
        resolved,
        # Two of three uploads are late; then nothing comes.
        silent={_COMMITS: "0x60 3x900", _IN_TIME: "0x60 1x900"},
        evaluated=_EVALUATED[suffix],
        until="12h",
    )


OBJECTIVES = (
    *(_availability(suffix, *moments) for suffix, moments in _MOMENTS.items()),
    *(_commit(suffix, *moments) for suffix, moments in _MOMENTS.items()),
)

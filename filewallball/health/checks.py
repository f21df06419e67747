"""Runs checks side by side, one run of each at a time: a dependency that hangs costs one thread and no more."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from filewallball.errors import ApiError

HEALTHY, DEGRADED, UNHEALTHY, DISABLED = "healthy", "degraded", "unhealthy", "disabled"
LONGEST_WAIT_SECONDS = 1.5
_SEVERITY = (DISABLED, HEALTHY, DEGRADED, UNHEALTHY)

Probe = Callable[[], Mapping[str, Any]]
"""Tries a dependency and returns what it saw; `problem` in it means «works, but». Raises if it does not work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency. Without a probe it is not configured; a critical one that fails makes the service unhealthy."""

    name: str
    probe: Probe | None
    critical: bool = False
    share_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: `seconds` is its duration, so far if it still runs; `error` says what is wrong."""

    status: str
    seconds: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


class HealthChecks:
    """The checks of one process and their latest results."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._runs: dict[str, _Run] = {}

    def add(self, check: Check) -> None:
        """Watch one more dependency; a second check of the same name takes the first one's place."""
        self._runs[check.name] = _Run(check, self._timeout_seconds)

    def refresh(self) -> None:
        """Begin every check that is due, and wait for none."""
        for run in self._runs.values():
            run.begin_if_due()

    def latest(self, name: str) -> CheckResult:
        """The result of the last finished check; runs nothing."""
        return self._runs[name].finished

    def look(self, names: Iterable[str] | None = None) -> dict[str, CheckResult]:
        """The state of all or some dependencies, at most a second or two old; waits at most 1.5 s."""
        runs = self._runs if names is None else {name: self._runs[name] for name in names}
        for run in runs.values():
            run.begin_if_due()
        return {name: run.result() for name, run in runs.items()}


def worst(results: Iterable[CheckResult]) -> str:
    """The status of the whole: the worst of its parts, where what is not configured does not count."""
    found = max((_SEVERITY.index(result.status) for result in results), default=0)
    return _SEVERITY[max(found, _SEVERITY.index(HEALTHY))]


class _Run:
    """One check: at most one thread is in its probe, and everybody who asks meanwhile shares what it finds."""

    def __init__(self, check: Check, timeout_seconds: float) -> None:
        self._check = check
        self._timeout_seconds = timeout_seconds
        self._patience = min(timeout_seconds, LONGEST_WAIT_SECONDS)
        self._changed = threading.Condition()
        self._began: float | None = None
        self._ended = float("-inf")
        self._result = CheckResult(DISABLED)

    def begin_if_due(self) -> None:
        with self._changed:
            if self._check.probe is None or self._began is not None:
                return
            if time.monotonic() - self._ended < self._check.share_seconds:
                return
            self._began = time.monotonic()
        try:
            threading.Thread(target=self._work, name=f"health-{self._check.name}", daemon=True).start()
        except RuntimeError:
            self._end(self._failed("no thread is free for this check"))

    @property
    def finished(self) -> CheckResult:
        return self._result

    def result(self) -> CheckResult:
        with self._changed:
            while self._began is not None:
                age = time.monotonic() - self._began
                if age >= self._patience:
                    return CheckResult(self._failure, age, {}, f"no answer for {age:.1f} s")
                self._changed.wait(self._patience - age)
            return self._result

    def _work(self) -> None:
        probe, began = self._check.probe, time.perf_counter()
        assert probe is not None  # noqa: S101 - begun only with a probe
        try:
            details = dict(probe())
        except Exception as error:
            result = self._failed(_reason(error), time.perf_counter() - began)
        else:
            problem = str(details.pop("problem", ""))
            result = CheckResult(
                DEGRADED if problem else HEALTHY, time.perf_counter() - began, details, problem
            )
        if result.seconds and result.seconds > self._timeout_seconds:
            result = self._failed(f"answered after {result.seconds:.1f} s", result.seconds)
        self._end(result)

    def _end(self, result: CheckResult) -> None:
        with self._changed:
            self._result, self._began, self._ended = result, None, time.monotonic()
            self._changed.notify_all()

    @property
    def _failure(self) -> str:
        return UNHEALTHY if self._check.critical else DEGRADED

    def _failed(self, error: str, seconds: float | None = None) -> CheckResult:
        return CheckResult(self._failure, seconds, {}, error)


def _reason(error: Exception) -> str:
    """The part of a failure that may be told: our own errors in full, of others only the kind."""
    if isinstance(error, ApiError):
        return error.detail or error.title
    return type(error).__name__

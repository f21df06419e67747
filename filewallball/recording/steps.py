"""The steps of a request that are timed one by one, for whoever exports its trace: stage, scan, sync, commit."""

from contextlib import AbstractContextManager
from time import perf_counter
from types import TracebackType
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
STAGE, SCAN, SYNC, COMMIT = "stage", "scan", "sync", "commit"


class Step(NamedTuple):
    """One step that has ended; times are those of `perf_counter`."""

    name: str
    began: float
    ended: float
    error: str
    """The name of the exception that ended it; empty without one."""


class Steps(Protocol):
    """Where steps are kept."""

    steps: list[Step]


class TimedStep:
    """A `with` block that is kept as a step; without a place to keep it, it only runs."""

    __slots__ = ("_began", "_name", "_place")

    def __init__(self, place: Steps | None, name: str) -> None:
        self._place = place
        self._name = name
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._place is not None:
            failure = kind.__name__ if kind is not None else ""
            self._place.steps.append(Step(self._name, self._began, perf_counter(), failure))


class EnteredIn(Generic[T]):
    """A context whose entering is a step: what happens in its `with` block is none."""

    __slots__ = ("_context", "_step")

    def __init__(self, step: TimedStep, context: AbstractContextManager[T]) -> None:
        self._step = step
        self._context = context

    def __enter__(self) -> T:
        with self._step:
            return self._context.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._context.__exit__(kind, error, trace)

"""The steps of a request that are timed one by one, for whoever exports its trace: stage, scan, sync, commit."""

from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from types import TracebackType
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
STAGE, SCAN, SYNC, COMMIT = "stage", "scan", "sync", "commit"
_UNTIMED = nullcontext()


class Step(NamedTuple):
    """One step that has ended; times are those of `perf_counter`."""

    name: str
    began: float
    ended: float
    error: str
    """The name of the exception that ended it; empty without one."""


def timed(steps: list[Step] | None, name: str) -> AbstractContextManager[None]:
    """A `with` block that is kept in `steps`; None where nobody wants to know."""
    return _UNTIMED if steps is None else _TimedStep(steps, name)


def entered_in(
    step: AbstractContextManager[None], context: AbstractContextManager[T]
) -> AbstractContextManager[T]:
    """`context`, whose entering is the step: what happens in its `with` block is none."""
    return context if step is _UNTIMED else _EnteredIn(step, context)


class _TimedStep:
    __slots__ = ("_began", "_name", "_steps")

    def __init__(self, steps: list[Step], name: str) -> None:
        self._steps = steps
        self._name = name
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failure = kind.__name__ if kind is not None else ""
        self._steps.append(Step(self._name, self._began, perf_counter(), failure))


class _EnteredIn(Generic[T]):
    __slots__ = ("_context", "_step")

    def __init__(self, step: AbstractContextManager[None], context: AbstractContextManager[T]) -> None:
        self._step = step
        self._context = context

    def __enter__(self) -> T:
        with self._step:
            return self._context.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._context.__exit__(kind, error, trace)

"""Values of labels: members of a closed set, or one of the first few values that a slot ever met."""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from filewallball.observability.vocabulary import OTHER


@dataclass(frozen=True, slots=True)
class Label:
    """A label's name, how many values it can ever have in one slot, and what they are, in words."""

    name: str
    size: int
    about: str


class ClosedSet:
    """Values from a fixed list; anything else is one more of `other`."""

    def __init__(self, values: Iterable[str], other: str = OTHER) -> None:
        self._values = frozenset(values)
        self._other = other

    def bound(self, value: str) -> str:
        return value if value in self._values else self._other


class FirstSeen:
    """The first `most` values that this slot ever met, found again in its files after a restart."""

    def __init__(self, most: int, known: Iterable[str] = ()) -> None:
        self._most = most
        self._seen = set(known) - {OTHER}
        self._lock = Lock()

    def bound(self, value: str) -> str:
        if value in self._seen:
            return value
        with self._lock:
            if not value or len(self._seen) >= self._most:
                return OTHER
            self._seen.add(value)
        return value

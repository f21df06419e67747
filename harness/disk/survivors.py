"""Which of the sectors that were written but not flushed a power cut leaves on the disk."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that were written at an offset; none where it is a flush. `end` is the log's position behind it."""

    offset: int
    data: bytes
    end: int


Survivors = Callable[[Write], bool]
"""Says of one sector that was not flushed if it survives."""


def none(_: Write) -> bool:
    """The disk had written nothing that it was not made to."""
    return False


def every(_: Write) -> bool:
    """The disk had written all there was."""
    return True


def some(chance: random.Random) -> Survivors:
    """The disk had written some, by chance, whatever their order."""
    share = chance.choice((0.1, 0.5, 0.9))
    return lambda _: chance.random() < share

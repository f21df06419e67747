"""Every statistic equals a plain recount of the audit log: at rest, while rows arrive, and whatever dies."""

import random
import threading
from collections.abc import Callable

from flask import Flask

from filewallball.clock import now_us
from filewallball.runtime import Runtime, runtime
from filewallball.stats.view import Statistics
from tests.stats.agreement import check
from tests.stats.conftest import append, chance_event

_DAY_US = 86_400_000_000


def test_nothing_on_record_gives_zeros(parts: Runtime, statistics: Statistics) -> None:
    assert check(parts, statistics) == 0


def test_statistics_are_a_recount_however_rows_arrive_and_are_sealed(
    parts: Runtime, statistics: Statistics, rounds: Callable[[int, int], int]
) -> None:
    chance = random.Random(5)
    for _ in range(rounds(6, 100)):
        for _ in range(chance.randrange(4)):
            span_us = chance.choice((1_000_000, _DAY_US, 40 * _DAY_US))
            append(parts, [chance_event(chance, now_us(), span_us) for _ in range(chance.randrange(1, 60))])
        if chance.random() < 0.6:
            parts.digest.run()
        check(parts, statistics)


def test_statistics_are_a_recount_at_any_instant_while_rows_arrive_and_digests_compete(
    parts: Runtime,
    statistics: Statistics,
    set_config: Callable[..., Flask],
    rounds: Callable[[int, int], int],
) -> None:
    other = runtime(set_config())
    written = threading.Event()

    def write() -> None:
        chance = random.Random(7)
        for _ in range(rounds(20, 1000)):
            append(other, [chance_event(chance, now_us(), 3 * _DAY_US) for _ in range(10)])
        written.set()

    def seal(parts: Runtime) -> None:
        while not written.is_set() or parts.digest.count():
            parts.digest.seal_next()

    threads = [
        threading.Thread(target=write),
        *(threading.Thread(target=seal, args=(p,)) for p in (parts, other)),
    ]
    for thread in threads:
        thread.start()
    looks = 0
    while any(thread.is_alive() for thread in threads):
        check(parts, statistics, days=(3,))
        looks += 1
    for thread in threads:
        thread.join()

    assert looks > 1
    assert check(parts, statistics) == rounds(200, 10000)

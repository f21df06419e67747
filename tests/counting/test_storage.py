"""Counts in the host's file: what the library's memory storage would say, and what it never has to."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import STRATEGIES

from filewallball.counting.counters import HostCounter
from filewallball.counting.storage import SharedFileStorage

LIMITS = ("1/10second", "3/10second", "5/20second", "40/minute")
_STEP = 0.37
"""No multiple of it is a whole window: at the very end of one, the library's own thread may come first or not."""
trace = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(("a", "2001:db8::/64")),
        st.sampled_from(LIMITS),
        st.sampled_from(("hit", "hit", "hit", "test")),
        st.integers(1, 2),
    ),
    max_size=80,
)


class Clock:
    """A clock that stands still until it is moved, steady and wall clock at once."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def counter(
    folder: Path, clock: Callable[[], float], strategy: str = "fixed-window", sets: int = 64
) -> HostCounter:
    return HostCounter(STRATEGIES[strategy], storage(folder, clock, strategy, sets))


def storage(folder: Path, clock: Callable[[], float], prefix: str = "", sets: int = 64) -> SharedFileStorage:
    return SharedFileStorage(f"shared-file:{folder}/counts-1", key_prefix=prefix, sets=sets, clock=clock)


def let_through(counter: HostCounter, item: RateLimitItem, client: str, times: int) -> int:
    return sum(counter.count(item, "upload", client).is_within for _ in range(times))


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(steps=trace)
def test_the_answers_are_those_of_the_librarys_memory(
    strategy: str, steps: list[tuple[int, str, str, str, int]]
) -> None:
    clock = Clock()
    with TemporaryDirectory(prefix="filewallball-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", clock)
        memory = STRATEGIES[strategy](MemoryStorage())
        shared = STRATEGIES[strategy](storage(Path(folder), clock))
        for seconds, client, limit, question, cost in steps:
            clock.now += seconds * _STEP
            item = parse(limit)
            expected, found = (
                getattr(limiter, question)(item, "upload", client, cost=cost) for limiter in (memory, shared)
            )
            assert found == expected
            theirs, ours = (limiter.get_window_stats(item, "upload", client) for limiter in (memory, shared))
            assert ours.remaining == theirs.remaining
            if theirs.remaining < item.amount:  # else the library names a time that is past
                assert ours.reset_time == pytest.approx(theirs.reset_time, abs=1e-3)


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(steps=trace)
def test_a_hit_with_its_standing_is_what_the_librarys_memory_says(
    strategy: str, steps: list[tuple[int, str, str, str, int]]
) -> None:
    clock = Clock()
    with TemporaryDirectory(prefix="filewallball-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", clock)
        memory = STRATEGIES[strategy](MemoryStorage())
        host = HostCounter(STRATEGIES[strategy], storage(Path(folder), clock))
        for seconds, client, limit, *_ in steps:
            clock.now += seconds * _STEP
            item = parse(limit)
            is_within = memory.hit(item, "upload", client)
            theirs, found = (
                memory.get_window_stats(item, "upload", client),
                host.count(item, "upload", client),
            )
            assert (found.is_within, found.remaining) == (is_within, max(0, theirs.remaining))
            if theirs.remaining < item.amount:  # else the library names a time that is past
                # Of a hit in this very moment the library says that no time is left, where a whole window is.
                their_wait = (theirs.reset_time - clock.now) or item.get_expiry()
                assert found.resets_in == pytest.approx(their_wait, abs=1e-3)


def test_the_library_knows_the_storage_by_its_scheme(tmp_path: Path) -> None:
    folder = tmp_path / "a folder, 100 %"
    found = storage_from_string(
        "shared-file:" + str(folder).replace("%", "%25").replace(" ", "%20") + "/counts-1"
    )

    assert found.check()
    assert (folder / "counts-1").exists()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_one_process_counts_another_knows(tmp_path: Path, strategy: str) -> None:
    one, other = (counter(tmp_path, Clock(), strategy) for _ in range(2))
    item = parse("5/minute")

    assert let_through(one, item, "a", 3) + let_through(other, item, "a", 9) == 5
    assert let_through(one, item, "a", 1) == 0
    assert let_through(one, item, "b", 9) == 5


def test_another_strategy_begins_anew(tmp_path: Path) -> None:
    for strategy in STRATEGIES:
        assert let_through(counter(tmp_path, Clock(), strategy), parse("2/minute"), "a", 3) == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_live_count_never_makes_room_and_newcomers_share_one(tmp_path: Path, strategy: str) -> None:
    counts, item = counter(tmp_path, Clock(), strategy, sets=1), parse("2/minute")
    firsts = [client for client in map(str, range(200)) if counts.count(item, "upload", client).is_own]

    assert len(firsts) < 200
    assert not any(counts.count(item, "upload", f"new {number}").is_within for number in range(9))
    for client in firsts:
        found = counts.look(item, "upload", client)
        assert (found.remaining, found.is_own) == (1, True)
    assert counts.count(item, "download", "new").is_within, "each kind of limit has a common count of its own"


def test_a_count_that_ended_makes_room(tmp_path: Path) -> None:
    clock = Clock()
    counts = counter(tmp_path, clock, sets=1)
    let = [counts.count(parse("2/minute"), "upload", str(number)).is_own for number in range(33)]

    assert let == [True] * 32 + [False]
    clock.now += 61
    assert counts.count(parse("2/minute"), "upload", "32").is_own
    assert (tmp_path / "counts-1").stat().st_size == 4096 + 17 * 1024, "the file never grows"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_setting_the_wall_clock_changes_no_window(
    tmp_path: Path, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, item = counter(tmp_path, Clock(), strategy), parse("3/minute")
    assert let_through(counts, item, "a", 2) == 2
    for ahead in (-3600, 3600, -86400):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: 1_000_000.0 + ahead)
        assert 0 <= counts.look(item, "upload", "a").resets_in <= 60
    assert let_through(counts, item, "a", 5) == 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_redis_did_not_see_is_known_until_the_window_ends(tmp_path: Path, strategy: str) -> None:
    clock = Clock()
    counts, item = counter(tmp_path, clock, strategy), parse("5/minute")

    assert counts.also_count(item, "upload", "a") is None
    assert counts.also_look(item, "upload", "a") is None
    assert counts.count(item, "upload", "a", is_apart=True).remaining == 3
    found = counts.also_count(item, "upload", "a")
    assert found is not None
    assert found.remaining == 2
    clock.now += 121
    assert counts.also_count(item, "upload", "a") is None

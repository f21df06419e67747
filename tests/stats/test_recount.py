"""Every statistic equals a plain recount of the audit log: at rest, while rows arrive, and whatever dies."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from filewallball.audit.sealer import Sealer
from filewallball.clock import now_us
from filewallball.stats.snapshot import Statistics
from harness.parts import Parts, put_on_record, sealer_of_another_host
from tests.stats.agreement import check
from tests.stats.conftest import chance_event, make_event, seen_statements

_DAY_US = 86_400_000_000
_OUTCOMES = st.one_of(
    st.just({"status": "success"}),
    st.fixed_dictionaries(
        {
            "status": st.just("failed"),
            "error_type": st.sampled_from(("file_too_large", "network_error")),
            "count": st.sampled_from((1, 7)),
        }
    ),
    st.fixed_dictionaries(
        {
            "status": st.just("denied"),
            "error_type": st.sampled_from(("auth_unknown", "rate_limited")),
            "count": st.sampled_from((1, 7)),
        }
    ),
)
_EVENTS = st.fixed_dictionaries(
    {
        "age_us": st.one_of(*(st.integers(0, span) for span in (10**6, _DAY_US, 40 * _DAY_US))),
        "action": st.sampled_from(("file:upload", "file:download", "file:view", "file:delete", "auth:fail")),
        "outcome": _OUTCOMES,
        "user_id": st.sampled_from((0, 1, 2)),
        "ip_address": st.sampled_from(("", "192.0.2.1", "192.0.2.2", "2001:db8::1", "198.51.100.9")),
        "file_type": st.sampled_from(("", "image/png", "text/plain")),
        "file_size": st.sampled_from((0, 1, 1000, 2**40)),
        "duration_us": st.integers(0, 10**8),
        "cache": st.sampled_from(("none", "hit", "miss")),
        "details": st.sampled_from(("", '{"suspicious":true}', '{"filename":"\\"suspicious\\":true"}')),
    }
)


def test_nothing_on_record_gives_zeros(parts: Parts, statistics: Statistics) -> None:
    assert check(parts, statistics) == 0


def test_statistics_are_a_recount_however_rows_arrive_and_are_sealed(
    parts: Parts, statistics: Statistics, rounds: Callable[[int, int], int]
) -> None:
    @settings(max_examples=rounds(8, 200))
    @given(st.lists(st.one_of(st.just("seal"), st.lists(_EVENTS, min_size=1, max_size=9)), max_size=5))
    def holds(steps: list[str | list[dict[str, Any]]]) -> None:
        """The log only grows from one example to the next, as it does in life."""
        for step in steps:
            if isinstance(step, str):
                parts.sealer.run()
            else:
                put_on_record(parts, [make_event(**_arrived(fields)) for fields in step])
        check(parts, statistics)

    holds()


@pytest.mark.parametrize("blocks", [1, 200])
def test_a_client_that_is_new_since_the_ranking_was_made_is_counted_once(
    parts: Parts, statistics: Statistics, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("clients", "failures"):
        monkeypatch.setattr(f"filewallball.stats.{module}.BLOCKS_FOLLOWED", blocks)
    for number in (1, 2, 3, 4):
        failed = make_event(ip_address=f"192.0.2.{number}", status="failed", error_type="storage_full")
        put_on_record(parts, [failed])
        assert check(parts, statistics) == number  # not yet sealed
        parts.sealer.run()
        assert check(parts, statistics) == number


def test_rows_of_new_blocks_are_added_to_what_is_remembered_while_they_are_few(
    parts: Parts, statistics: Statistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filewallball.stats.snapshot._MOST_NEWS", 3)
    chance, read = random.Random(3), []
    for count in (5, 3, 4):
        put_on_record(parts, [chance_event(chance, now_us(), 1) for _ in range(count)])
        parts.sealer.run()
        with seen_statements() as statements:
            check(parts, statistics)
        read.append(any("FROM latency_hourly" in each for each in statements))

    assert read == [True, False, True]


def test_statistics_are_a_recount_at_any_instant_while_rows_arrive_and_digests_compete(
    parts: Parts,
    statistics: Statistics,
    set_config: Callable[..., Flask],
    rounds: Callable[[int, int], int],
    tmp_path: Path,
) -> None:
    other = Parts(set_config())
    hosts = [parts.sealer, sealer_of_another_host(other, tmp_path / "other-host")]
    written, looked_twice = threading.Event(), threading.Event()

    def write() -> None:
        chance = random.Random(7)
        for _ in range(rounds(20, 1000)):
            put_on_record(other, [chance_event(chance, now_us(), 3 * _DAY_US) for _ in range(10)])
        looked_twice.wait(120)
        written.set()

    def seal(digest: Sealer) -> None:
        while not written.is_set() or digest.count():
            digest.run()

    threads = [
        threading.Thread(target=write),
        *(threading.Thread(target=seal, args=(host,)) for host in hosts),
    ]
    for thread in threads:
        thread.start()
    looks = 0
    while any(thread.is_alive() for thread in threads):
        check(parts, statistics, days=(3,))
        looks += 1
        if looks == 2:
            looked_twice.set()
    for thread in threads:
        thread.join()

    assert looks > 1
    assert check(parts, statistics) == rounds(200, 10000)


def _arrived(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event that happened so long ago."""
    rest = {name: value for name, value in fields.items() if name not in ("age_us", "outcome")}
    return {**rest, **fields["outcome"], "timestamp_us": now_us() - fields["age_us"]}

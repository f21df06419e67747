"""The cost of counting a request and telling where its client stands: in memory, in the host's file, in Redis.

`hit` is the library's own call; `with standing` is what the service does, the same and what is left of the limit. All
are asked in turn, in batches; medians of wall time, and the CPU time of this process.
"""

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import STRATEGIES

from filewallball.counting.counters import HostCounter, ProcessCounter
from filewallball.counting.redis_counter import RedisCounter
from filewallball.counting.storage import SharedFileStorage
from harness.servers import Redis

_BUDGET_MICROSECONDS = 15
_BATCH = 20
_CLIENT = "203.0.113.7"


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="filewallball-limits-") as name:
        redis = Redis(Path(name) / "redis")
        redis.start()
        try:
            print(f"{'strategy':<24}{'store':<20}{'':<16}{'median':>10}{'CPU':>10}")
            for strategy in STRATEGIES:
                _measure(strategy, Path(name), redis.url, options.hits)
        finally:
            redis.kill()


def _measure(strategy: str, folder: Path, redis_url: str, hits: int) -> None:
    walls, cpus = defaultdict(list), defaultdict(list)
    questions = _questions(strategy, folder, redis_url)
    for _ in range(max(1, hits // _BATCH)):
        for name, ask in questions.items():
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(_BATCH):
                ask()
            cpus[name].append((time.process_time() - cpu) / _BATCH * 1e6)
            walls[name].append((time.perf_counter() - wall) / _BATCH * 1e6)
    for store, kind in questions:
        cpu = statistics.median(cpus[store, kind])
        verdict = "reached" if cpu <= _BUDGET_MICROSECONDS else "missed"
        is_judged = (store, kind) == ("the host's file", "hit")
        target = f"  target about {_BUDGET_MICROSECONDS} us of CPU {verdict}" if is_judged else ""
        wall = statistics.median(walls[store, kind])
        print(f"{strategy:<24}{store:<20}{kind:<16}{wall:>7.1f} us{cpu:>7.1f} us{target}")


def _questions(strategy: str, folder: Path, redis_url: str) -> dict[tuple[str, str], Callable[[], object]]:
    item = _item(strategy)
    kind = STRATEGIES[strategy]
    shared = SharedFileStorage(f"shared-file:{folder}/counts-1", key_prefix=strategy)
    memory, file = kind(MemoryStorage()), kind(shared)
    redis = kind(RedisStorage(redis_url, key_prefix=strategy))
    in_process, on_host, in_redis = ProcessCounter(kind), HostCounter(kind, shared), RedisCounter(redis)
    return {
        ("memory", "hit"): lambda: memory.hit(item, "upload", _CLIENT),
        ("memory", "with standing"): lambda: in_process.count(item, "upload", _CLIENT),
        ("the host's file", "hit"): lambda: file.hit(item, "upload", _CLIENT),
        ("the host's file", "with standing"): lambda: on_host.count(item, "upload", _CLIENT),
        ("Redis", "hit"): lambda: redis.hit(item, "upload", _CLIENT),
        ("Redis", "with standing"): lambda: in_redis.count(item, "upload", _CLIENT),
    }


def _item(strategy: str) -> RateLimitItem:
    """A limit that no hit is beyond; where each hit has an entry, one of a size that such limits have."""
    return parse("100/second" if strategy == "moving-window" else "1000000/minute")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=10_000, help="of each kind")
    return parser.parse_args()


if __name__ == "__main__":
    main()

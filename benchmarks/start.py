"""The time in which a service that ran before starts again: from the command to the first answer of /health/live.

The same command as `make run`, once everything is installed; make itself adds about ten milliseconds.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from harness.servers import Service

TARGET_SECONDS = 3.0


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="filewallball-start-") as name:
        service = Service(Path(name))
        first = _start(service)
        again = [_start(service) for _ in range(options.rounds)]
    median = statistics.median(again)
    verdict = "reached" if median <= TARGET_SECONDS else "missed"
    print(f"{'first start, seconds':<44} {first:>6.2f}")
    print(f"{'second start, median of ' + str(len(again)):<44} {median:>6.2f}")
    print(f"{'second start, longest':<44} {max(again):>6.2f}")
    print(f"target {TARGET_SECONDS}: {verdict}")


def _start(service: Service) -> float:
    started = time.perf_counter()
    service.start()
    taken = time.perf_counter() - started
    service.stop()
    return taken


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()

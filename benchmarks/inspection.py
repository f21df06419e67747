"""The cost of looking at a file that was made to be expensive, beside a plain one of the same length.

Processor time of type, label and suspicion for each MiB, in one process, from memory: what a worker's other threads
wait for. Each hostile file has as many of the smallest parts of its format as fit.
"""

import argparse
import io
import time
from collections.abc import Callable

from filewallball.files.inspection.labels import mislabelling
from filewallball.files.inspection.media_type import inspect
from filewallball.files.inspection.suspicion import judge
from harness.hostile_files import HOSTILE

_MIB = 1024 * 1024


class _Staged(io.BytesIO):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.head, self.size = data[:4096], len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=50, help="length of each file (default 50)")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the fastest counts")
    options = parser.parse_args()
    length = options.mib * _MIB
    cases: dict[str, tuple[str, Callable[[int], bytes]]] = {"plain.bin": ("", _plain), **HOSTILE}
    print(f"{'milliseconds':<32}{'in all':>10}{'each MiB':>10}  reasons")
    for title, (name, make) in cases.items():
        data = make(length)
        seconds, reasons = min(_look(data, name or title) for _ in range(options.rounds))
        each = seconds / len(data) * _MIB
        print(f"{title:<32}{seconds * 1000:>10.1f}{each * 1000:>10.2f}  {' '.join(reasons)}", flush=True)


def _look(data: bytes, name: str) -> tuple[float, list[str]]:
    staged = _Staged(data)
    started = time.process_time()
    seen = inspect(staged.head, "", name, staged)
    mislabelling(name, "", seen.media_type)
    reasons = judge(staged, name, seen).reasons
    return time.process_time() - started, reasons


def _plain(length: int) -> bytes:
    return bytes(range(256)) * (length // 256)


if __name__ == "__main__":
    main()

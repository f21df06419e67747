"""This service beside others that take and give files: copyparty, SeaweedFS, nginx alone and the bare Flask view.

All run at once, on loopback, and are loaded by turns; each size and number of connections begins with fresh servers.
Rates, latencies and costs are medians over rounds. CPU is user and system time of all processes of a server, nginx
included, for each request; written is what they gave to the disk for each upload, and syncs their calls of fsync,
fdatasync, sync and syncfs. copyparty and SeaweedFS are installed into a folder of their own.
"""

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from itertools import product
from pathlib import Path

from humanfriendly import format_size, parse_size
from humanfriendly.text import pluralize

from benchmarks.peers import contestants, tables
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.installing import install, version
from benchmarks.peers.measuring import Loader, median
from benchmarks.peers.tables import Row
from benchmarks.servers import take_turns

Start = Callable[[Path], AbstractContextManager[Contestant]]
_PROGRAMS = {"seaweedfs": "weed", "copyparty": "copyparty"}
_NAMES = {
    "seaweedfs": f"SeaweedFS {version('seaweedfs')}",
    "copyparty": f"copyparty {version('copyparty')}",
    "nginx": "nginx alone",
    "bare": "bare Flask view",
    "syncing": "bare view that syncs",
    "service": "this service",
}


def main() -> None:
    options = _options()
    starts = _starts(options)
    print(f"{os.cpu_count()} processors, {_processor()}, Linux {platform.release()}; ", end="")
    print(f"medians of {pluralize(options.rounds, 'round')} of {options.seconds} s\n", flush=True)
    for size, connections in product(options.sizes, options.connections):
        with tempfile.TemporaryDirectory(prefix="filewallball-peers-", dir=options.folder) as name:
            Path(name).chmod(0o755)  # nginx has a user of its own
            for table in _compare(Path(name), starts, options, size, connections):
                print(table + "\n", flush=True)


def _compare(
    folder: Path, starts: Mapping[str, Start], options: argparse.Namespace, size: int, connections: int
) -> Iterator[str]:
    loader = Loader(size, connections, options.seconds)
    title = f"{format_size(size, binary=True)}, {pluralize(connections, 'connection')}: "
    with ExitStack() as stack:
        running = _running(folder, starts, stack)
        takers = [one for one in running if one.request is not None]
        if takers:
            yield tables.uploads(title + "uploads", _uploads(folder, loader, takers, options.rounds))
        givers = [one for one in running if one.key != "syncing"]
        if givers:
            yield tables.downloads(title + "downloads", _downloads(loader, givers, options.rounds))


def _running(folder: Path, starts: Mapping[str, Start], stack: ExitStack) -> list[Contestant]:
    started = []
    for key, start in starts.items():
        try:
            started.append(stack.enter_context(start(folder / key)))
        except (OSError, RuntimeError) as error:
            print(f"{_NAMES[key]} is left out, as it does not start: {error}", flush=True)
    return started


def _uploads(folder: Path, loader: Loader, takers: Sequence[Contestant], rounds: int) -> list[Row]:
    """Counting the syncs comes first, which warms everybody up."""
    scripts = {taker: loader.script(taker, folder / f"{taker.key}-load") for taker in takers}
    syncs = {taker: loader.syncs(taker, script) for taker, script in scripts.items()}
    samples = take_turns(lambda taker: loader.upload(taker, scripts[taker]), takers, rounds)
    return [Row(one.key, _NAMES[one.key], median(taken), syncs[one]) for one, taken in samples.items()]


def _downloads(loader: Loader, givers: Sequence[Contestant], rounds: int) -> list[Row]:
    paths = {giver: loader.store(giver) for giver in givers}
    samples = take_turns(lambda giver: loader.download(giver, paths[giver]), givers, rounds)
    return [Row(one.key, _NAMES[one.key], median(taken)) for one, taken in samples.items()]


def _starts(options: argparse.Namespace) -> dict[str, Start]:
    """How each server that is wanted, and can be had here, is started in a folder."""
    ours: dict[str, Start] = {
        "nginx": contestants.nginx_alone,
        "bare": contestants.bare,
        "syncing": partial(contestants.bare, sync=True),
        "service": partial(contestants.this_service, settings=dict(options.setting)),
    }
    installed = {"seaweedfs": contestants.seaweedfs, "copyparty": contestants.copyparty}
    starts = dict(ours)
    for key in installed.keys() & set(options.only):
        if program := install(key, _PROGRAMS[key], options.cache):
            starts[key] = partial(installed[key], program=program)
    return {key: starts[key] for key in _NAMES if key in options.only and key in starts}


def _processor() -> str:
    """The model's name, as the kernel gives it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=1, help="of one wrk run; large files take longer")
    parser.add_argument("--sizes", type=_sizes, default=_sizes("1KiB,100KiB,10MiB"))
    parser.add_argument("--connections", type=_numbers, default=[1, 16, 64])
    parser.add_argument("--only", type=_keys, default=list(_NAMES), help=", ".join(_NAMES))
    parser.add_argument(
        "--setting", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="of this service"
    )
    parser.add_argument("--folder", help="where the servers keep their files; 10 GB must be free")
    parser.add_argument("--cache", type=Path, default=_cache(), help="where packages are installed and kept")
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return [parse_size(part) for part in text.split(",")]


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _keys(text: str) -> list[str]:
    keys = text.split(",")
    if unknown := set(keys) - _NAMES.keys():
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return keys


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"no NAME=VALUE: {text}")
    return name, value


def _cache() -> Path:
    return Path.home() / ".cache" / "filewallball-peers"


if __name__ == "__main__":
    main()

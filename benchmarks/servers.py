"""Servers that benchmarks compare: the bare view under gunicorn, and the shipped nginx in front of either."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from harness.servers import Front, Gunicorn, Nginx
from harness.servers.base import Server

S = TypeVar("S", bound=Server)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@contextmanager
def running(server: S) -> Iterator[S]:
    """Start it, and kill it in the end."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


def bare_view(folder: Path, workers: int, threads: int, **environ: str) -> Gunicorn:
    """The bare view with workers and threads as `gunicorn.conf.py` has them; its files lie in `folder/files`."""
    files = folder / "files"
    files.mkdir(parents=True)
    arguments = ["-k", "gthread", "-w", str(workers), "--threads", str(threads)]
    arguments += ["--worker-connections", str(threads), "--keep-alive", "0"]
    return Gunicorn(folder, "benchmarks.bare:app", arguments, {"BARE_FOLDER": str(files), **environ})


@contextmanager
def behind_nginx(folder: Path, server: Gunicorn, files: Path) -> Iterator[Nginx]:
    """The shipped nginx in front of a server of the service's routes, which keeps its files in `files`."""
    data_dir = folder / "data"
    front = Front(folder)
    front.ship({"DATA_DIR": str(data_dir), "PORT": str(server.port), "MAX_UPLOAD_SIZE": "1GB"})
    text = front.config_path.read_text().replace(str(data_dir / "storage" / "blobs"), str(files))
    front.config_path.write_text(text)
    with running(front):
        yield front


def take_turns(run: Callable[[K], V], servers: Sequence[K], rounds: int) -> dict[K, list[V]]:
    """What each server gave in every round; the order is reversed from one round to the next."""
    taken: dict[K, list[V]] = {server: [] for server in servers}
    for number in range(rounds):
        for server in servers[:: -1 if number % 2 else 1]:
            taken[server].append(run(server))
    return taken

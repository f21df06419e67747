"""The speed of files going in and out, as ratios to a bare Flask view that only saves or sends them, in one run.

Both run under gunicorn with the same workers and threads; runs alternate and medians are compared. Large files go
straight to gunicorn, small ones through nginx (downloads by X-Accel-Redirect), driven by wrk.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import wrk
from benchmarks.servers import bare_view, behind_nginx, running, take_turns
from harness.servers import Gunicorn, Service

_SMALL_BYTES = 100 * 1024


@dataclass(frozen=True)
class Row:
    """One comparison: medians, per second or in seconds, and how ours stands to the other."""

    name: str
    ours: float
    other: float
    unit: str
    ratio: float
    target: float

    def __str__(self) -> str:
        verdict = "reached" if self.ratio >= self.target else "missed"
        return (
            f"{self.name:<46} {self.ours:>10.2f} {self.other:>10.2f} {self.unit:<4} "
            f"{self.ratio:>6.2f}  target {self.target:.2f} {verdict}"
        )


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="filewallball-transfer-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        print(f"{'':<46} {'service':>10} {'bare':>10}      ratio")
        for row in _large(folder / "large", options, stack):
            print(row, flush=True)
        for row in _small(folder / "small", options, stack):
            print(row, flush=True)


def _large(folder: Path, options: argparse.Namespace, stack: ExitStack) -> Iterator[Row]:
    size = options.mebibytes * 1024 * 1024
    ours = stack.enter_context(running(_service(folder / "service", options, MAX_UPLOAD_SIZE=f"{size * 2}B")))
    bare = stack.enter_context(running(_bare_view(folder / "bare", options)))
    source = folder / "source"
    source.write_bytes(os.urandom(size))
    name = f"{options.mebibytes} MiB"
    yield _timed(
        f"{name} multipart upload",
        ours,
        bare,
        lambda server: _curl(server, "/upload", f"-Ffile=@{source}"),
        0.9,
        options,
    )
    yield _timed(
        f"{name} raw PUT upload",
        ours,
        bare,
        lambda server: _curl(server, "/upload/x", "-T", str(source)),
        1.0,
        options,
    )
    ids = {server.url: _upload(server, source) for server in (ours, bare)}
    fetch = lambda server: _curl(server, f"/download/{ids[server.url]}")  # noqa: E731 - a step of the table
    yield _timed(f"{name} download", ours, bare, fetch, 0.95, options)
    for server in (ours, bare):
        server.stop()


def _small(folder: Path, options: argparse.Namespace, stack: ExitStack) -> Iterator[Row]:
    ours = stack.enter_context(
        running(_service(folder / "service", options, X_ACCEL="true", TRUSTED_PROXIES="127.0.0.1/32"))
    )
    bare = stack.enter_context(running(_bare_view(folder / "bare", options, BARE_X_ACCEL="1")))
    syncing = stack.enter_context(running(_bare_view(folder / "syncing", options, BARE_SYNC="1")))
    blobs = {
        ours: ours.data_dir / "storage" / "blobs",
        bare: bare.folder / "files",
        syncing: syncing.folder / "files",
    }
    front = {
        server: stack.enter_context(behind_nginx(folder / f"nginx-{n}", server, blobs[server]))
        for n, server in enumerate(blobs)
    }
    source = folder / "source"
    source.write_bytes(os.urandom(_SMALL_BYTES))
    script = wrk.upload_script(folder, wrk.form_request("/upload", wrk.jpeg_like(_SMALL_BYTES)))
    rates = _alternate(lambda server: _wrk(front[server].url, options, script), list(blobs), options)
    yield _rate_row("100 KiB uploads through nginx", rates, ours, bare, 0.4)
    yield _rate_row("100 KiB uploads, against one that syncs", rates, ours, syncing, 0.0)
    ids = {server: _upload(server, source) for server in (ours, bare)}
    rates = _alternate(
        lambda server: _wrk(f"{front[server].url}/download/{ids[server]}", options), [ours, bare], options
    )
    yield _rate_row("100 KiB downloads through nginx, X-Accel", rates, ours, bare, 0.6)


def _timed(
    name: str,
    ours: Gunicorn,
    bare: Gunicorn,
    run: Callable[[Gunicorn], object],
    target: float,
    options: argparse.Namespace,
) -> Row:
    seconds = _alternate(lambda server: _seconds(lambda: run(server)), [ours, bare], options)
    return Row(name, seconds[ours], seconds[bare], "s", seconds[bare] / seconds[ours], target)


def _rate_row(name: str, rates: dict[Gunicorn, float], ours: Gunicorn, other: Gunicorn, target: float) -> Row:
    return Row(name, rates[ours], rates[other], "/s", rates[ours] / rates[other], target)


def _alternate(
    run: Callable[[Gunicorn], float], servers: list[Gunicorn], options: argparse.Namespace
) -> dict[Gunicorn, float]:
    """The median of each server over rounds in which they take turns; a first round warms up and is dropped."""
    taken = take_turns(run, servers, options.rounds + 1)
    return {server: statistics.median(values[1:]) for server, values in taken.items()}


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _curl(server: Gunicorn, path: str, *arguments: str) -> None:
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "-o", "/dev/null", *arguments]
    subprocess.run([*command, server.url + path], check=True)


def _upload(server: Gunicorn, source: Path) -> str:
    with source.open("rb") as file:
        answer = server.request("POST", "/upload", files={"file": ("file.bin", file)})
    return str(answer.json()["file_id"])


def _wrk(url: str, options: argparse.Namespace, script: Path | None = None) -> float:
    """Requests a second; every answer must be a success."""
    load = wrk.run(url, options.connections, options.seconds, script, threads=2)
    if load.failures:
        raise RuntimeError(f"{load.failures} of {load.requests} requests failed: {url}")
    return load.rate


def _service(folder: Path, options: argparse.Namespace, **settings: str) -> Service:
    return Service(folder, {"THREADS": str(options.threads), **settings}, workers=options.workers)


def _bare_view(folder: Path, options: argparse.Namespace, **environ: str) -> Gunicorn:
    return bare_view(folder, options.workers, options.threads, **environ)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=256, help="size of the large file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="length of one wrk run")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    main()

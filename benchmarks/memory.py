"""The memory of all processes together, and of one worker that receives and sends a large file.

The latter must not grow with the file's size.
"""

import argparse
import json
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from harness.servers import Service

_MEBIBYTE = 1024 * 1024
_ALLOWED_MEBIBYTES = 64
_SAMPLE_SECONDS = 0.05
_WARMING = 100


_ROLES = {
    "as shipped (WEB_CONCURRENCY=2)": {"WEB_CONCURRENCY": "2"},
    "WEB_CONCURRENCY=1 SYNC_WORKERS=2": {"WEB_CONCURRENCY": "1", "SYNC_WORKERS": "2"},
    "WEB_CONCURRENCY=2 SYNC_WORKERS=4": {"WEB_CONCURRENCY": "2", "SYNC_WORKERS": "4"},
}


def main() -> None:
    options = _options()
    _measure_roles()
    size = options.mebibytes * _MEBIBYTE
    with tempfile.TemporaryDirectory(prefix="filewallball-memory-", dir=options.folder) as name:
        source = Path(name) / "source"
        with source.open("wb") as file:
            file.truncate(size)
        service = Service(Path(name) / "service", {"MAX_UPLOAD_SIZE": f"{size}B"}, workers=1)
        service.start()
        try:
            _measure(service, source, f"{options.mebibytes} MiB")
        finally:
            service.kill()


def _measure_roles() -> None:
    """The memory of master and workers, shared pages divided among them, after some requests to each."""
    print(f"{'PSS of all processes, MiB':<36} {'processes':>9} {'sum':>8}  each")
    for name, settings in _ROLES.items():
        with tempfile.TemporaryDirectory(prefix="filewallball-memory-") as folder:
            service = Service(Path(folder), {"MIN_FREE_SPACE": "0", **settings}).start()
            try:
                _warm(service)
                master = psutil.Process(service.master_pid)
                found = [(each.name(), each.memory_full_info().pss) for each in (master, *master.children())]
            finally:
                service.kill()
        each = ", ".join(f"{process} {size / _MEBIBYTE:.0f}" for process, size in found)
        print(
            f"{name:<36} {len(found):>9} {sum(size for _, size in found) / _MEBIBYTE:>8.1f}  {each}",
            flush=True,
        )


def _warm(service: Service) -> None:
    """Some uploads and downloads for the workers of either kind."""
    addresses = [[service.url]]
    if service.settings.get("SYNC_WORKERS"):
        addresses.append(["--unix-socket", str(service.data_dir / "sync.sock"), "http://localhost"])
    for *options, base in addresses:
        for number in range(_WARMING):
            put = [*options, "--data-binary", f"text {number}", "--request", "PUT", f"{base}/upload/a.txt"]
            file_id = json.loads(_output(put))["file_id"]
            _output([*options, f"{base}/download/{file_id}"])


def _measure(service: Service, source: Path, size: str) -> None:
    small = source.with_name("small")
    small.write_bytes(b"warm")
    file_id = _upload(service, small)
    _download(service, file_id)
    worker = psutil.Process(service.worker_pids()[0])
    before = _resident(worker)
    print(f"{'RSS of the worker, MiB':<28} {'before':>8} {'peak':>8} {'after':>8} {'added':>8}")
    ids = [_sampled(worker, before, f"{size} multipart upload", lambda: _upload(service, source))]
    _sampled(worker, before, f"{size} raw PUT upload", lambda: _curl(service, "/upload/x", "-T", str(source)))
    _sampled(worker, before, f"{size} download", lambda: _download(service, ids[0]))


def _sampled(worker: psutil.Process, before: float, name: str, work: Callable[[], str]) -> str:
    """Run `work` while another thread looks at the worker, and print what was seen."""
    seen = [before]
    done = threading.Event()

    def look() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            seen.append(_resident(worker))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        result = work()
    finally:
        done.set()
        thread.join()
    added = max(seen) - before
    verdict = "reached" if added <= _ALLOWED_MEBIBYTES else "missed"
    print(
        f"{name:<28} {before:>8.1f} {max(seen):>8.1f} {_resident(worker):>8.1f} {added:>8.1f}  "
        f"target {_ALLOWED_MEBIBYTES} {verdict}",
        flush=True,
    )
    return result


def _resident(worker: psutil.Process) -> float:
    return float(worker.memory_info().rss) / _MEBIBYTE


def _upload(service: Service, source: Path) -> str:
    answer = _curl(service, "/upload", f"-Ffile=@{source}")
    return str(json.loads(answer)["file_id"])


def _download(service: Service, file_id: str) -> str:
    return _curl(service, f"/download/{file_id}", "-o", "/dev/null")


def _curl(service: Service, path: str, *arguments: str) -> str:
    return _output([*arguments, service.url + path])


def _output(arguments: list[str]) -> str:
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=2048, help="size of the large file")
    parser.add_argument("--folder", help="where the files go; twice their size must be free")
    return parser.parse_args()


if __name__ == "__main__":
    main()

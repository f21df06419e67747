"""A start that cannot work says why and ends; a new service counts from zero, a running one never loses a count."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball.recording.event import Event
from filewallball.serving import lifecycle
from filewallball.settings.loading import load_settings
from harness import ROOT
from harness.servers import Service
from harness.waiting import wait_until
from tests.fixtures.metrics import Bench, bench_in
from tests.observability.scrape import Samples, samples_of, total_of, value_of

pytestmark = pytest.mark.usefixtures("given_back")
Make = Callable[..., Event]
Start = Callable[..., Service]
_BEGIN = (
    "from filewallball.settings.loading import load_settings as load; "
    "from filewallball.serving import lifecycle;"
)


def begin_elsewhere(folder: Path) -> None:
    """Begin as the master of another service does."""
    environ = {**os.environ, "DATA_DIR": str(folder)}
    subprocess.run(
        [sys.executable, "-c", f"{_BEGIN} lifecycle.begin(load())"], cwd=ROOT, env=environ, check=True
    )


def gunicorn(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start the service in the foreground; for starts that are expected to end at once."""
    script = str(Path(sys.executable).with_name("gunicorn"))
    environ = {**os.environ, "DATA_DIR": str(folder / "data"), "PORT": "0", **settings}
    command = [script, "-c", "gunicorn.conf.py"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)


def scrape(server: Service) -> Samples:
    return samples_of(server.request("GET", "/metrics").text)


@pytest.fixture
def dead(tmp_path: Path, event: Make) -> Bench:
    """A worker that counted one upload and is gone."""
    bench = bench_in(tmp_path)
    bench.metrics.record(event("file:upload", duration_us=1, request_id="req_of-the-dead"))
    bench.metrics.set("active_connections", 5)
    bench.slots.release()
    return bench


def test_a_new_service_counts_from_zero(tmp_path: Path, dead: Bench) -> None:
    (dead.directory / "junk.db").write_bytes(b"foreign")
    begin_elsewhere(tmp_path)
    assert {path.name for path in dead.directory.iterdir()} == {"epoch", "junk.bad"}


def test_slots_in_use_are_left_alone_by_a_new_service(tmp_path: Path, dead: Bench, event: Make) -> None:
    alive = bench_in(tmp_path)
    alive.metrics.record(event("file:upload"))
    begin_elsewhere(tmp_path)
    assert total_of(alive.scrape(), "file_uploads_total") == 2


def test_a_running_service_keeps_the_counts_of_its_dead_workers(tmp_path: Path, event: Make) -> None:
    reading, writing = os.pipe()
    running = os.fork()
    if running == 0:
        lifecycle.begin(load_settings({"DATA_DIR": str(tmp_path)}))
        os.write(writing, b"x")
        signal.pause()
    try:
        os.read(reading, 1)
        worker = bench_in(tmp_path)
        worker.metrics.record(event("file:upload"))
        worker.slots.release()
        begin_elsewhere(tmp_path)
        assert total_of(worker.scrape(), "file_uploads_total") == 1
    finally:
        os.kill(running, signal.SIGKILL)
        os.waitpid(running, 0)
        os.close(reading)
        os.close(writing)


def test_files_of_a_slot_without_a_lock_file_are_reset_too(tmp_path: Path, dead: Bench) -> None:
    for path in (tmp_path / "slots").iterdir():
        path.unlink()
    begin_elsewhere(tmp_path)
    assert list(dead.directory.glob("*.db")) == []


def test_a_worker_that_is_gone_has_nothing_in_progress(tmp_path: Path, dead: Bench) -> None:
    assert value_of(dead.scrape(), "active_connections") == 5
    lifecycle.worker_gone(load_settings({"DATA_DIR": str(tmp_path)}))
    samples = dead.scrape()
    assert value_of(samples, "active_connections") == 0
    assert total_of(samples, "file_uploads_total") == 1


def test_wrong_settings_stop_the_start_with_a_line_for_each(tmp_path: Path) -> None:
    done = gunicorn(tmp_path, PORT="99999", LOG_FORMAT="xml", MAX_UPLOAD_SIZE="huge")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.split(":")[1] for line in lines] == [" PORT", " MAX_UPLOAD_SIZE", " LOG_FORMAT"]
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_used_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    done = gunicorn(tmp_path, PORT="18000")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("filewallball: DATA_DIR: ")
    assert "Listening" not in done.stderr


def test_workers_take_no_more_connections_than_they_have_threads(tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("gunicorn"))
    environ = {**os.environ, "DATA_DIR": str(tmp_path), "THREADS": "5", "BIND": "::1", "PORT": "18001"}
    command = [script, "-c", "gunicorn.conf.py", "--print-config"]
    text = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    config = dict(line.split("=", 1) for line in text.replace(" ", "").splitlines() if "=" in line)
    assert (config["threads"], config["worker_connections"], config["keepalive"]) == ("5", "5", "0")
    assert config["bind"] == "['[::1]:18001']"
    assert config["control_socket_disable"] == "True"
    assert config["forwarded_allow_ips"] == "[]"


def test_the_service_lives_through_its_workers(service: Start) -> None:
    server = service()
    server.request("PUT", "/upload/a.txt", data=b"text")
    before = scrape(server)
    for pid in server.worker_pids():
        server.kill_worker(pid)
    wait_until(lambda: len(server.worker_pids()) == 2, 60, "new workers")
    after_kills = scrape(server)
    server.reload()
    wait_until(lambda: "Hang up" in server.log_text(), 60, "the reload")
    after_reload = scrape(server)
    for samples in (after_kills, after_reload):
        assert total_of(samples, "file_uploads_total") == 1
        assert value_of(samples, "active_connections") == 1
        for started in ("process_start_time_seconds", "counters_start_time_seconds"):
            assert value_of(samples, started) == value_of(before, started)


def test_a_restart_begins_a_new_count_and_a_new_time(service: Start) -> None:
    server = service()
    server.request("PUT", "/upload/a.txt", data=b"text")
    before = scrape(server)
    assert server.stop() == 0
    server.start()
    after = scrape(server)
    assert total_of(after, "file_uploads_total") == 0
    for started in ("process_start_time_seconds", "counters_start_time_seconds"):
        assert value_of(after, started) > value_of(before, started)


def test_known_series_are_there_at_the_first_scrape(service: Start) -> None:
    samples = scrape(service())
    labels = {"status": "failed", "file_type": "other", "client_ip": "other"}
    assert ("file_uploads_total", frozenset(labels.items())) in samples
    assert total_of(samples, "errors_total") == 0


def test_operations_that_a_dead_worker_left_open_are_counted_once(service: Start) -> None:
    server = service({"MAX_UPLOAD_SIZE": "1MB"})
    # The service's own operation, soon after its start: it would be left open, too.
    wait_until(
        lambda: total_of(scrape(server), "operations_total", action="audit:verify") == 1, 30, "a verdict"
    )
    with server.connect() as client:
        client.sendall(b"PUT /upload/slow.bin HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nfirst bytes")
        wait_until(lambda: value_of(scrape(server), "active_connections") == 2, 60, "the upload")
        for pid in server.worker_pids():
            server.kill_worker(pid)
    wait_until(lambda: value_of(scrape(server), "operations_recovered_total") == 1, 60, "the recovery")
    samples = scrape(server)
    assert value_of(samples, "active_connections") == 1
    assert total_of(samples, "file_uploads_total") == 0

"""The service that tests start is the one that `make run` starts."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.servers import Service
from harness.servers.base import free_port
from harness.waiting import wait_until


def test_a_file_survives_kills_of_workers_and_a_restart(service: Callable[..., Service]) -> None:
    server = service({"MAX_UPLOAD_SIZE": "1MB"}, workers=2)
    uploaded = server.request("PUT", "/upload/a.bin", data=b"bytes").json()

    server.kill_worker()
    after_kill = server.request("GET", f"/download/{uploaded['file_id']}").content
    assert server.stop() == 0
    server.start()
    after_restart = server.request("GET", f"/download/{uploaded['file_id']}").content

    assert after_kill == after_restart == b"bytes"
    assert server.request("PUT", "/upload/b.bin", data=bytes(1024 * 1024 + 1)).status_code == 413
    assert server.log_text().count("shown this once") == 1


def test_a_start_that_cannot_be_prepared_ends_with_one_line(tmp_path: Path) -> None:
    server = Service(tmp_path, {"DATABASE_URL": f"mysql+pymysql://root@127.0.0.1:{free_port()}/none"})

    with pytest.raises(RuntimeError, match="ended while starting"):
        server.start()

    assert server.log_text().count("the database does not answer") == 1
    assert "Traceback" not in server.log_text()
    assert "Booting worker" not in server.log_text()


def test_nothing_is_left_of_a_stopped_service(service: Callable[..., Service], tmp_path: Path) -> None:
    server = service()
    wait_until(lambda: len(server.worker_pids()) == 2, what="two workers")
    pids = [server.master_pid, *server.worker_pids()]

    assert server.stop() == 0

    assert not any(map(psutil.pid_exists, pids))
    assert "Traceback" not in server.log_text()


def test_a_service_that_was_forked_is_like_one_that_was_started(
    service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    forked = _traits(service(workers=1))
    monkeypatch.setattr(Service, "warm", None)
    started = _traits(service(workers=1))

    assert "warm_program" in forked.pop("command")
    assert "warm_program" not in started.pop("command")
    assert forked == started


def _traits(server: Service) -> dict[str, Any]:
    """What the kernel knows of a master and its workers, whatever their numbers are."""
    master = psutil.Process(server.master_pid)
    wait_until(
        lambda: {"fwb-pool", "fwb-jobs"} <= {each.name() for each in master.children()}, what="workers"
    )
    process = Path(f"/proc/{master.pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    kept = ("Name", "Umask", "Uid", "Groups", "Threads", "SigBlk", "SigIgn", "SigCgt", "CapEff", "NoNewPrivs")
    return {
        "command": " ".join(master.cmdline()),
        "status": {name: status[name] for name in kept},
        "limits": (process / "limits").read_text(),
        "folder": master.cwd(),
        "leads": (os.getsid(master.pid) == master.pid, os.getpgid(master.pid) == master.pid),
        "output": [(process / f"fd/{number}").readlink().name for number in range(3)],
        "descriptors": master.num_fds(),
        "workers": sorted(each.name() for each in master.children() if each.name().startswith("fwb")),
    }

"""The scanner is stopped while it reads the bytes of an upload that ends: the policy decides, and there is one file."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests

from harness.servers import Clamd, Service
from harness.servers.clamd import MARKER
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN
from tests.files.resumable.tus import KB, Tus, noise

pytestmark = pytest.mark.server
SIZE = 1000 * KB
Start = Callable[..., Service]


def started(service: Start, clamd: Clamd, policy: str) -> Service:
    """A service whose scans wait for as long as the test does."""
    return service(
        {
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "SCAN_POLICY": policy,
            "CLAMD_ADDRESS": clamd.address,
            "SCAN_TIMEOUT": "2m",
            "WORKER_TIMEOUT": "5m",
            "MIN_FREE_SPACE": "0",
            "LOG_LEVEL": "WARNING",
        }
    )


def last_answer(server: Service, clamd: Clamd, url: str, data: bytes) -> requests.Response:
    """The answer to the last bytes of an upload, whose scanner stands still and is killed before it has an answer."""
    tus = Tus(server.url)
    assert tus.patch(url, 0, data[: SIZE // 2]).status_code == 204
    clamd.pause()
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(tus.patch, url, SIZE // 2, data[SIZE // 2 :])
        wait_until(lambda: is_scanning(server, clamd), 60, "the bytes are scanned")
        clamd.kill()
        return answer.result()


def is_scanning(server: Service, clamd: Clamd) -> bool:
    """True once a worker has a connection to the scanner."""
    for pid in server.worker_pids():
        for each in psutil.Process(pid).net_connections():
            if each.raddr and each.raddr.port == clamd.port and each.status == psutil.CONN_ESTABLISHED:
                return True
    return False


def uploads_on_record(server: Service) -> list[tuple[str, str]]:
    answer = Tus(server.url, ADMIN_TOKEN).ask("GET", "/api/v1/audit/logs?action=file:upload")
    return [(row["status"], row["error_type"]) for row in answer.json()["logs"]]


def sent_again(tus: Tus, url: str, data: bytes) -> requests.Response:
    """The answer to the rest of an upload once the scanner works again."""

    def attempt() -> list[requests.Response]:  # for a refusal alone counts as false
        answer = tus.patch(url, offset := tus.offset(url), data[offset:])
        return [] if answer.status_code == 503 else [answer]

    return wait_until(attempt, 60, "the scanner is asked again")[0]


def test_where_scans_are_required_the_upload_waits_for_the_scanner(service: Start, clamd: Clamd) -> None:
    server = started(service, clamd, "required")
    tus, data = Tus(server.url), noise(SIZE)
    url = tus.begin(SIZE)

    lost = last_answer(server, clamd, url, data)

    assert (lost.status_code, lost.json()["code"]) == (503, "scanner_unavailable")
    assert "Retry-After" in lost.headers
    assert tus.offset(url) == SIZE - 1
    clamd.start()
    answer = sent_again(tus, url, data)
    assert tus.content(answer.headers["X-File-Id"]) == data
    assert uploads_on_record(server).count(("success", "")) == 1
    assert "DIFFER" not in server.cli("reconcile")


def test_what_the_scanner_finds_when_it_is_back_ends_the_upload(service: Start, clamd: Clamd) -> None:
    server = started(service, clamd, "required")
    tus, data = Tus(server.url), noise(SIZE - len(MARKER)) + MARKER
    url = tus.begin(SIZE)
    assert last_answer(server, clamd, url, data).status_code == 503

    clamd.start()

    refused = sent_again(tus, url, data)
    assert (refused.status_code, refused.json()["code"]) == (422, "infected_file")
    assert tus.head(url).status_code == 410
    assert "success" not in dict(uploads_on_record(server))


def test_where_scans_are_optional_the_file_is_kept_and_scanned_later(service: Start, clamd: Clamd) -> None:
    server = started(service, clamd, "optional")
    tus, data = Tus(server.url), noise(SIZE - len(MARKER)) + MARKER
    url = tus.begin(SIZE)

    answer = last_answer(server, clamd, url, data)

    assert answer.status_code == 204
    file_id = answer.headers["X-File-Id"]
    assert tus.content(file_id) == data
    assert uploads_on_record(server) == [("success", "")]
    clamd.start()
    wait_until(lambda: _code(tus, file_id) == "infected_file", 120, "it is scanned and found")


def _code(tus: Tus, file_id: str) -> str:
    answer = tus.ask("GET", f"/download/{file_id}")
    return "" if answer.ok else str(answer.json()["code"])

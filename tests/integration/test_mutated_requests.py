"""Thousands of spoiled requests over raw sockets: no 500, no worker that hangs, every answer well formed."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.servers import Front, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN
from tests.integration.mutations import honest, spoiled
from tests.raw import NotHttp, send

_SEED, _AT_ONCE = 9112, 8
_NAMES_A_VERSION = re.compile(rb"[\r\n]*[^\r\n]* HTTP/[0-9]")
_SETTINGS = {
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "ANONYMOUS_ROLE": "user",
    "MIN_FREE_SPACE": "0",
    "MAX_UPLOAD_SIZE": "1MB",
    "RATELIMIT_AUTH": "",
    "AUTOBLOCK_AUTH": "",
    "AUTOBLOCK_SUSPICIOUS": "",
    "LOG_LEVEL": "WARNING",
    "CORS_ORIGINS": "http://x",
}


@pytest.fixture(params=["gunicorn", "nginx"])
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, int]]:
    """A service, and the port to send to: its own or that of the shipped nginx before it."""
    folder = tmp_path_factory.mktemp("mutated")
    behind = {"TRUSTED_PROXIES": "127.0.0.0/8", "X_ACCEL": "true"} if request.param == "nginx" else {}
    service = Service(folder / "service", {**_SETTINGS, **behind}).start()
    front = Front(folder / "front")
    if behind:
        front.ship(service.environment())
        _hurry(front)
        front.start()
    yield service, front.port if behind else service.port
    front.kill()
    service.kill()


def _hurry(front: Front) -> None:
    """Let nginx wait half a second for the rest of a request: to a client that says it has ended it does not answer."""
    text = front.config_path.read_text()
    text, changed = re.subn(r"(client_(?:header|body)_timeout) \d+s", r"\1 500ms", text)
    assert changed == 2
    text = text.replace("server_tokens off;", "server_tokens off;\n    keepalive_timeout 500ms;")
    front.config_path.write_text(text)


def outcome(port: int, data: bytes, *, half_close: bool) -> str:
    """What came of one spoiled request: the last status, `closed`, or what is wrong with the answer."""
    method = "HEAD" if data.startswith(b"HEAD") else "GET"
    try:
        found = send(port, data, method=method, half_close=half_close)
    except NotHttp as error:
        if not _NAMES_A_VERSION.match(data):
            return "simple"  # HTTP/0.9: the answer is the body alone
        return f"not HTTP: {error}"
    except TimeoutError:
        return "no end"
    failed = [answer.status for answer in found if answer.status >= 500 and answer.status not in (501, 505)]
    return f"failed: {failed}" if failed else str(found[-1].status) if found else "closed"


@pytest.mark.soak
def test_no_spoiled_request_breaks_the_service(
    target: tuple[Service, int], rounds: Callable[[int, int], int]
) -> None:
    service, port = target
    file = service.request("PUT", "/upload/a.txt", data=b"some words").json()
    workers, made = service.worker_pids(), random.Random(_SEED)
    requests = honest(file["file_id"])
    sent = [spoiled(made, requests) for _ in range(rounds(1_500, 25_000))]

    with ThreadPoolExecutor(_AT_ONCE) as senders:
        outcomes = list(senders.map(lambda data: outcome(port, data, half_close=port == service.port), sent))

    wrong = [
        (said, data[:2000])
        for said, data in zip(outcomes, sent, strict=True)
        if not said[:3].isdigit() and said not in ("closed", "simple")
    ]
    assert wrong == []
    assert len(Counter(outcomes)) > 8, "many kinds of outcome, or the generator is too dull"
    assert service.worker_pids() == workers
    wait_until(lambda: service.request("GET", "/health/ready").ok, what="the service is well")
    assert "Traceback" not in service.log_text()
    kept = service.request(
        "GET", f"/download/{file['file_id']}", headers={"If-Match": "*"}
    )  # not left to nginx
    assert kept.content == b"some words"


def test_the_requests_are_good_before_they_are_spoiled(target: tuple[Service, int]) -> None:
    service, port = target
    file = service.request("PUT", "/upload/a.txt", data=b"some words").json()

    outcomes = [outcome(port, data, half_close=port == service.port) for data in honest(file["file_id"])]

    assert set(outcomes) <= {"200", "201", "206", "404", "409", "422"}

"""The time that the objective for uploads is about begins with the last byte, however slowly a client sends."""

import threading
from collections.abc import Callable

from harness.servers import Service
from harness.waiting import wait_until
from tests.observability.scrape import Samples, samples_of, value_of

_PAUSE_SECONDS = 1.5


def test_a_slow_client_does_not_spend_the_budget(service: Callable[..., Service]) -> None:
    server = service({}, workers=1)
    pause = threading.Event()
    with server.connect() as client:
        client.sendall(b"PUT /upload/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nsome")
        pause.wait(_PAUSE_SECONDS)  # this client is slow: that is the test
        client.sendall(b"text")
        answer = client.makefile("rb").readline()

    assert b" 201 " in answer
    samples = wait_until(lambda: _counted(server), 60, "the upload is counted")
    assert samples is not None
    whole = value_of(samples, "file_upload_duration_seconds_sum", file_type="text/plain")
    assert whole - value_of(samples, "upload_commit_duration_seconds_sum") > _PAUSE_SECONDS / 2


def _counted(server: Service) -> Samples | None:
    samples = samples_of(server.request("GET", "/metrics").text)
    return samples if value_of(samples, "upload_commit_duration_seconds_count") == 1 else None

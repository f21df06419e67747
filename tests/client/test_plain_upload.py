"""Uploads in one request: what is repeated, what is not, and what is told of an outcome that nobody knows."""

import hashlib
import io
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filewallball_client import Client, DigestMismatch, OutcomeUnknown, Refused, Unreachable
from filewallball_client.client import RESUMABLE_BYTES
from filewallball_client.connection import Connection
from filewallball_client.plain_upload import put
from filewallball_client.sources import open_source
from filewallball_client.state import Remembered, Unfinished
from harness.servers import Nginx, Relay, Service
from tests.client.command import Fwb

MARK = b"8f1c77a0"
CONTENT = b"some words, and a mark: 8f1c77a0\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
Through = Callable[[str], Nginx]


@pytest.fixture
def through(service: Service, nginx: Nginx) -> Through:
    """An nginx in front of the service, with some lines of configuration of its own."""

    def start(lines: str) -> Nginx:
        nginx.configure(
            f"server {{ listen 127.0.0.1:{nginx.port}; client_max_body_size 0; proxy_set_header Host $http_host;"
            f"{lines} location / {{ proxy_pass {service.url}; }} }}"
        )
        return nginx.start()

    return start


@pytest.fixture
def earlier(through: Through) -> Iterator[Relay]:
    """A relay to a service that, as earlier releases, knows neither resumable uploads nor keys."""
    nginx = through("location /uploads { return 404; } location /openapi.json { return 404; }")
    relay = Relay(nginx.port).start()
    yield relay
    relay.stop()


def client_of(relay: Relay, waits: list[str], seconds: float = 20) -> Client:
    """A client that reaches the service through the relay, which cuts nothing any more once the client waits."""

    def mend(message: str) -> None:
        waits.append(message)
        relay.cut_before = relay.cut_after = b""

    return Client(f"http://127.0.0.1:{relay.port}", retry_seconds=seconds, notify=mend)


def stored(service: Service, name: str) -> int:
    """How many public files have this name."""
    with Client(service.url) as client:
        return sum(1 for _ in client.files(name=name))


def test_a_service_that_starts_late_is_waited_for(service: Service) -> None:
    relay, waits = Relay(service.port), list[str]()

    def begin(message: str) -> None:
        if not waits:
            relay.start()
        waits.append(message)

    with Client(f"http://127.0.0.1:{relay.port}", retry_seconds=30, notify=begin) as client:
        uploaded = client.upload(io.BytesIO(CONTENT), name="late.txt")
    relay.stop()

    assert uploaded.file_hash == DIGEST
    assert "Connection refused" in waits[0]


def test_a_service_that_never_comes_is_given_up() -> None:
    with Client("http://127.0.0.1:9", retry_seconds=1) as client, pytest.raises(Unreachable, match="refused"):
        client.upload(io.BytesIO(CONTENT), name="never.txt")


def test_what_the_service_refuses_is_sent_once(service: Service) -> None:
    waits: list[str] = []
    with Client(service.url, notify=waits.append) as client, pytest.raises(Refused) as caught:
        client.upload(io.BytesIO(CONTENT), name="a.txt", expires_in="soon")

    problem = caught.value.problem
    assert (problem.status, problem.code) == (422, "validation_error")
    assert problem.errors == {"expires_in": ["Not a duration such as 30s, 12h or 7d."]}
    assert waits == []


def test_a_body_that_does_not_arrive_whole_is_sent_again(earlier: Relay, service: Service) -> None:
    waits: list[str] = []
    earlier.cut_before = MARK
    content = MARK + bytes(8 * 1024 * 1024 - 100)

    with client_of(earlier, waits) as client:
        client.upload(io.BytesIO(content), name="cut-early.bin", visibility="public")

    assert earlier.cuts == 1
    assert stored(service, "cut-early.bin") == 1


def test_a_slow_body_that_breaks_off_is_sent_again(earlier: Relay, hour_passes: Callable[[], None]) -> None:
    earlier.cut_before = MARK
    content = bytes(1024 * 1024) + MARK + bytes(6 * 1024 * 1024)

    with client_of(earlier, []) as client:
        client.upload(io.BytesIO(content), name="slow.bin", progress=lambda done, total: hour_passes())

    assert earlier.cuts == 1


def test_without_keys_a_lost_answer_is_told_as_such_and_makes_no_second_file(
    earlier: Relay, service: Service
) -> None:
    waits: list[str] = []
    earlier.cut_after = MARK

    with client_of(earlier, waits) as client, pytest.raises(OutcomeUnknown, match="look whether"):
        client.upload(io.BytesIO(CONTENT), name="unknown.txt", visibility="public")

    assert stored(service, "unknown.txt") == 1


def test_under_a_key_a_lost_answer_is_asked_for_again(relay: Relay, service: Service) -> None:
    relay.cut_after, waits = MARK, list[str]()

    with client_of(relay, waits) as client:
        uploaded = client.upload(io.BytesIO(CONTENT), name="asked-again.txt", visibility="public")

    assert relay.cuts == 1
    assert waits
    assert uploaded.file_hash == DIGEST
    assert stored(service, "asked-again.txt") == 1


def test_a_key_outlives_the_command_that_lost_its_answer(
    fwb: Fwb, relay: Relay, service: Service, tmp_path: Path
) -> None:
    relay.cut_after, path = MARK, tmp_path / "asked-later.txt"
    path.write_bytes(CONTENT)
    fwb.server = f"http://127.0.0.1:{relay.port}"

    lost = fwb("upload", path, "--public", "--retry-max-time", "0")
    relay.cut_after = b""
    again = fwb("upload", path, "--public")

    assert (lost.code, again.code) == (3, 0)
    assert stored(service, "asked-later.txt") == 1


def test_an_unknown_outcome_has_an_exit_code_of_its_own(fwb: Fwb, earlier: Relay, tmp_path: Path) -> None:
    earlier.cut_after = MARK
    path = tmp_path / "unknown-too.txt"
    path.write_bytes(CONTENT)

    done = fwb("upload", path, FWB_SERVER=f"http://127.0.0.1:{earlier.port}")

    assert done.code == 4
    assert "look whether the file is there" in done.err


def test_an_earlier_release_takes_large_files_too(earlier: Relay, service: Service) -> None:
    content = bytes(RESUMABLE_BYTES + 1)

    with client_of(earlier, []) as client:
        uploaded = client.upload(io.BytesIO(content), name="large.bin")

    assert uploaded.file_hash == hashlib.sha256(content).hexdigest()


def test_bytes_that_change_on_their_way_are_refused_by_the_service(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(CONTENT)
    other = Remembered(None, None, Unfinished(len(CONTENT), 0, sha256="0" * 64, key=secrets.token_hex(32)))

    with open_source(path) as source, pytest.raises(Refused) as caught:
        put(Connection(service.url, "", 0, print), source, {}, other, lambda done: None)

    assert caught.value.problem.code == "digest_mismatch"


def test_a_digest_that_is_not_that_of_the_file_is_noticed_and_the_file_removed(
    through: Through, service: Service
) -> None:
    rewriting = 'location /upload/ { proxy_pass %s; proxy_set_header Accept-Encoding ""; sub_filter_types *;'
    nginx = through(f"{rewriting % service.url} sub_filter {DIGEST} {DIGEST[::-1]}; }}")

    with Client(nginx.url) as client, pytest.raises(DigestMismatch):
        client.upload(io.BytesIO(CONTENT), name="rewritten.txt", visibility="public")

    assert stored(service, "rewritten.txt") == 0


def test_a_service_that_stays_busy_is_told_with_3(fwb: Fwb, through: Through) -> None:
    nginx = through("location /files { add_header Retry-After 1 always; return 429; }")

    done = fwb("ls", "--retry-max-time", "3", FWB_SERVER=nginx.url)

    assert done.code == 3
    assert "Too Many Requests (status 429); trying again in" in done.err


def test_a_redirect_is_told_and_not_followed(fwb: Fwb, through: Through) -> None:
    nginx = through("location /files { return 301 http://127.0.0.1:9/files; }")

    done = fwb("ls", FWB_SERVER=nginx.url)

    assert done.code == 1
    assert "The service is elsewhere: It names http://127.0.0.1:9/files" in done.err


@pytest.mark.parametrize(
    "body", ["no json", "[]", '{"files": 1, "next_cursor": null}', '{"files": [{}], "next_cursor": ""}']
)
def test_an_answer_of_something_else_is_no_list(fwb: Fwb, through: Through, body: str) -> None:
    nginx = through(f"location /files {{ default_type application/json; return 200 '{body}'; }}")

    done = fwb("ls", FWB_SERVER=nginx.url)

    assert done.code == 3
    assert "does not come from a FileWallBall service" in done.err

"""Uploads by real clients to a real server, alone and behind the shipped nginx: kept as they are meant, or refused."""

import hashlib
import itertools
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.servers import Browser, Front, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN
from tests.files.client_forms import CONTENT, CONTENT_TYPE, FILE, NAMES, REFUSED, WIDGETS, form

pytestmark = pytest.mark.server
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
SETTINGS = {
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "MIN_FREE_SPACE": "0",
    "TRUSTED_PROXIES": "127.0.0.0/8",
    **dict.fromkeys(
        ("RATELIMIT_UPLOAD", "RATELIMIT_DOWNLOAD", "RATELIMIT_API", "AUTOBLOCK_SUSPICIOUS"), "off"
    ),
}
_CLIENTS = itertools.count(1)
Ask = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that lets one client upload as often as it likes."""
    running = Service(tmp_path_factory.mktemp("service"), SETTINGS).start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def nginx_url(server: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where nginx passes requests to it."""
    front = Front(tmp_path_factory.mktemp("front"))
    front.ship(server.environment())
    front.start()
    yield front.url
    front.kill()


@pytest.fixture(params=["alone", "behind nginx"])
def url(request: pytest.FixtureRequest, server: Service) -> str:
    """Where clients reach it."""
    return server.url if request.param == "alone" else request.getfixturevalue("nginx_url")


@pytest.fixture
def client() -> str:
    """An address from which nothing else comes."""
    return f"198.51.100.{next(_CLIENTS)}"


@pytest.fixture
def ask(url: str) -> Ask:
    """One request by the library `requests`."""

    def send(method: str, path: str, **options: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url + path, timeout=120, **options)

    return send


def curl(*arguments: str | Path) -> dict[str, Any]:
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def failed(server: Service, client: str) -> list[tuple[str, str, int]]:
    """The failed uploads of a client on record: cause, name and the bytes that came."""
    query = f"size=100&action=file:upload&status=failed&ip_address={client}"
    answer = server.request("GET", f"/api/v1/audit/logs?{query}", headers=AS_ADMIN)
    return [
        (row["error_type"], row["details"].get("filename", ""), row["file_size"])
        for row in answer.json()["logs"]
    ]


def test_every_form_means_the_same_on_each_way_in(ask: Ask) -> None:
    for each in [*NAMES, *WIDGETS, *REFUSED]:
        answer = ask("POST", "/upload", data=each.body, headers={"Content-Type": CONTENT_TYPE})

        if each.refused:
            assert (answer.status_code, answer.json()["code"]) == each.refused, each.client
        else:
            assert answer.status_code == 201, (each.client, answer.text)
            assert answer.json()["filename"] == each.filename, each.client


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("보고서 최종.pdf", "보고서 최종.pdf"),
        ('a "b".txt', 'a "b".txt'),
        (r"C:\Users\me\r.txt", "r.txt"),
        (r"a\b.txt", "a_b.txt"),
        ("a;b=c.txt", "a;b=c.txt"),
        ("a%22.txt", 'a".txt'),  # no client escapes the percent sign
    ],
)
def test_libraries_and_curl_agree_about_a_name(
    ask: Ask, url: str, tmp_path: Path, name: str, kept: str
) -> None:
    local = tmp_path / "local"
    local.write_bytes(CONTENT)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')

    files = [
        ask("POST", "/upload", files={"file": (name, CONTENT)}).json(),
        curl("-F", f'file=@{local};filename="{escaped}"', f"{url}/upload/"),
        curl("--form-escape", "-F", f'file=@{local};filename="{escaped}"', f"{url}/upload"),
    ]

    assert [file["filename"] for file in files] == [kept] * 3
    assert {file["file_hash"] for file in files} == {hashlib.sha256(CONTENT).hexdigest()}


def test_curl_cannot_keep_the_rest_of_a_file_as_a_file(url: str, tmp_path: Path) -> None:
    large, empty = tmp_path / "large", tmp_path / "empty"
    large.write_bytes(b"0123456789" * 100)
    empty.touch()

    whole = [curl("-C", "-", "-T", path, f"{url}/upload/") for path in (large, empty)]
    pieces = [curl(*piece, "-T", large, f"{url}/upload/") for piece in (("-C", "900"), ("-r", "0-9"))]

    assert [(file["filename"], file["file_size"]) for file in whole] == [("large", 1000), ("empty", 0)]
    assert [(piece["code"], piece["status"]) for piece in pieces] == [("bad_request", 400)] * 2


def test_a_compressed_upload_is_refused(ask: Ask) -> None:
    for method, path in (("PUT", "/upload/a.txt"), ("POST", "/upload")):
        answer = ask(
            method, path, data=CONTENT, headers={"Content-Encoding": "gzip", "Content-Type": CONTENT_TYPE}
        )

        assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "identity")


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("Expect: the-impossible", 417, "expectation_failed"),
        ("Transfer-Encoding: gzip, chunked", 415, "unsupported_media_type"),
        ("Transfer-Encoding: deflate, chunked", 415, "unsupported_media_type"),
        ("Transfer-Encoding: x-gzip, chunked", 415, "unsupported_media_type"),
    ],
)
def test_what_the_server_cannot_do_is_a_problem_too(
    server: Service, header: str, status: int, code: str
) -> None:
    with server.connect() as connection, connection.makefile("rb") as reader:
        connection.sendall(
            f"PUT /upload/a HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n1\r\nx\r\n0\r\n\r\n".encode()
        )
        connection.shutdown(socket.SHUT_WR)
        head, _, body = reader.read().partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body)["code"] == code


HEAD = f"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: {CONTENT_TYPE}\r\n".encode()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_CUT_FILE = FILE.removesuffix(b"\r\n")
_PLAIN = b"PUT /upload/cut.txt HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "name", "arrived"),
    [
        pytest.param(_PLAIN + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n wo", "cut.txt", 8, id="chunked"),
        pytest.param(
            _PLAIN + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n", "cut.txt", 5, id="wrong chunk"
        ),
        pytest.param(_PLAIN + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "cut.txt", 5, id="no last chunk"),
        pytest.param(_PLAIN + b"Content-Length: 100\r\n\r\nhello", "cut.txt", 5, id="length"),
        pytest.param(CHUNKED + b"%x\r\n%s" % (len(FILE) + 9, _CUT_FILE), "a.txt", len(CONTENT), id="form, chunked"),
        pytest.param(HEAD + b"Content-Length: 9999\r\n\r\n" + _CUT_FILE, "a.txt", len(CONTENT), id="form, length"),
        pytest.param(
            HEAD + b"Content-Length: %d\r\n\r\n" % len(form(FILE)) + form(FILE)[:-2],
            "a.txt",
            len(CONTENT),
            id="form without its last line end",
        ),
        pytest.param(
            HEAD + b"Content-Length: %d\r\n\r\n" % (len(form(FILE)) + 999) + form(FILE),
            "a.txt",
            len(CONTENT),
            id="form cut behind its end",
        ),
    ],
)  # fmt: skip
def test_what_arrived_of_a_cut_upload_is_on_record(
    server: Service, client: str, sent: bytes, name: str, arrived: int
) -> None:
    host = b"Host: x\r\n"
    with server.connect() as connection:
        connection.sendall(sent.replace(host, b"%sX-Forwarded-For: %s\r\n" % (host, client.encode()), 1))

    wait_until(lambda: failed(server, client), what="the attempt is on record")
    ((cause, noted, size),) = failed(server, client)
    assert (cause, noted) == ("network_error", name)
    assert arrived - len("\r\n--") <= size <= arrived
    if name == "cut.txt":
        assert size == arrived


def test_the_last_line_end_of_a_form_may_be_missing_if_nothing_else_is(server: Service) -> None:
    body = form(FILE)[:-2]
    with server.connect() as connection, connection.makefile("rb") as reader:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

        assert b" 201 " in reader.readline()


def test_a_browser_is_understood(server: Service, tmp_path: Path) -> None:
    driver = Browser(tmp_path / "browser").start()
    script = """
        const page = document.createElement('form');
        page.innerHTML = '<input type=file name=file><input name=description><input type=submit name=go value=Send>';
        const send = form => fetch('/upload/', {method: 'POST', body: form}).then(answer => answer.json());
        const empty = send(new FormData(page));
        const names = ['a "b".txt', 'a\\r\\nb.txt', 'a\\\\b.txt', '보고서.txt', 'C:\\\\Users\\\\me\\\\r.txt'];
        const filled = names.map(name => {
            const form = new FormData(page, page.elements.go);
            form.set('file', new File(['x'], name));
            return send(form);
        });
        return Promise.all([empty, ...filled]);
    """
    try:
        driver.visit(f"{server.url}/docs/errors")
        empty, *filled = driver.evaluate(script)
    finally:
        driver.stop()

    assert (empty["code"], list(empty["errors"])) == ("validation_error", ["file"])
    assert [file["filename"] for file in filled] == [
        'a "b".txt',
        "a__b.txt",
        "a_b.txt",
        "보고서.txt",
        "r.txt",
    ]
    assert {tuple(file["ignored_fields"]) for file in filled} == {("go",)}

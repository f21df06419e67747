"""The shipped nginx before a real service: bytes, names, headers, errors, and who may see what."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from filewallball import errors
from harness.servers import Front, Service
from harness.waiting import wait_until

pytestmark = pytest.mark.server
_MIB = 1024 * 1024


def ask(front: Front, method: str, path: str, **options: Any) -> requests.Response:
    """One request through nginx."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, front.url + path, **{"timeout": 120, **options})


def raw(front: Front, request: bytes, source: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
    """The answer of nginx to these bytes, from an address on loopback."""
    with (
        socket.create_connection(("127.0.0.1", front.port), 60, source_address=(source, 0)) as client,
        client.makefile("rb") as reader,
    ):
        client.sendall(request)
        status = int(reader.readline().split()[1])
        headers: dict[str, str] = {}
        while line := reader.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, reader.read(int(headers["content-length"]))


def test_options_in_the_query_of_a_form_reach_the_service(front: Front) -> None:
    files = {"file": ("a.txt", b"content")}

    honoured = ask(front, "POST", "/upload?visibility=public&expires_in=1h&utm_source=x", files=files)
    refused = ask(front, "POST", "/upload?visiblity=private", files=files)

    assert (honoured.status_code, honoured.json()["visibility"]) == (201, "public")
    assert honoured.json()["expires_at"] is not None
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["visiblity"])


def test_a_large_file_goes_in_and_out_whole_and_in_parts(
    front: Front, tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    size = rounds(64, 1024) * _MIB
    source, target = tmp_path / "large", tmp_path / "back"
    block = os.urandom(_MIB)
    with source.open("wb") as file:
        for number in range(size // _MIB):
            file.write(number.to_bytes(8, "big") + block[8:])
    curl = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*"]
    done = subprocess.run(
        [*curl, "-T", str(source), f"{front.url}/upload/large.bin"], check=True, capture_output=True
    )
    about = json.loads(done.stdout)
    assert about["file_size"] == size

    url = front.url + about["download_url"].removeprefix(front.url)
    subprocess.run([*curl, "-o", str(target), url], check=True)
    with source.open("rb") as sent, target.open("rb") as back:
        assert hashlib.file_digest(sent, "sha256").digest() == hashlib.file_digest(back, "sha256").digest()
    middle = size // 2 - 100
    part = ask(
        front, "GET", f"/download/{about['file_id']}", headers={"Range": f"bytes={middle}-{middle + 199}"}
    )
    with source.open("rb") as file:
        file.seek(middle)
        assert (part.status_code, part.content) == (206, file.read(200))
    assert part.headers["Content-Range"] == f"bytes {middle}-{middle + 199}/{size}"
    target.write_bytes(target.read_bytes()[:1000])
    subprocess.run([*curl, "-C", "-", "-o", str(target), url], check=True)
    assert target.stat().st_size == size


@pytest.mark.parametrize(
    "name", ["100%.txt", "a?b.txt", "a#b.txt", "%41%20.txt", "한국 어.txt", "semi;colon.txt"]
)
def test_any_name_comes_back_as_it_went(front: Front, name: str) -> None:
    content = f"content of {name}\n".encode()
    put = ask(front, "PUT", f"/upload/{quote(name, safe='')}", data=content)
    post = ask(front, "POST", "/upload", files={"file": (name, content)})
    for answer in (put, post):
        about = answer.json()
        back = ask(front, "GET", f"/download/{about['file_id']}")
        assert about["filename"] == name
        assert back.content == content
        said = back.headers["Content-Disposition"]
        assert f'filename="{name}"' in said or f"filename*=UTF-8''{quote(name, safe='')}" in said


def test_nginx_sends_the_bytes_under_the_services_headers(front: Front, behind: Service) -> None:
    content = b"some text that nginx sends\n"
    file_id = ask(front, "PUT", "/upload/a.txt", data=content).json()["file_id"]
    kept = (
        *(
            "ETag",
            "Last-Modified",
            "Content-Security-Policy",
            "Cross-Origin-Resource-Policy",
            "Cache-Control",
        ),
        *(
            "Referrer-Policy",
            "X-Content-Type-Options",
            "Content-Disposition",
            "Content-Type",
            "Accept-Ranges",
        ),
    )
    direct = behind.request("GET", f"/download/{file_id}", headers={"If-Match": "*"})
    answer = ask(front, "GET", f"/download/{file_id}")

    assert answer.content == direct.content == content
    assert answer.headers["Server"] == "nginx"
    assert {name: answer.headers.get(name) for name in kept} == {name: direct.headers[name] for name in kept}
    assert answer.headers["X-Request-ID"].startswith("req_")
    assert "X-Accel-Redirect" not in answer.headers
    again = ask(front, "GET", f"/download/{file_id}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_mislabelled_file_is_an_attachment_of_its_true_type(front: Front) -> None:
    file = ask(front, "PUT", "/upload/report.pdf", data=b"hello\n").json()

    answer = ask(front, "GET", f"/view/{file['file_id']}")

    assert (answer.headers["Server"], answer.content) == ("nginx", b"hello\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="report.pdf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/metrics", "/health/detailed", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics"]
)
def test_what_the_service_says_of_itself_is_for_monitoring_networks(front: Front, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    status, headers, body = raw(front, request)

    assert (status, headers["content-type"]) == (403, "application/problem+json")
    assert json.loads(body)["code"] == "forbidden"
    if path in ("/metrics", "/health/detailed"):
        assert raw(front, request, source="127.0.9.1")[0] == 200


def test_the_stores_files_have_no_address(front: Front, behind: Service) -> None:
    ask(front, "PUT", "/upload/c.txt", data=b"c")
    blobs = behind.data_dir / "storage" / "blobs"
    path = next(blobs.rglob("*.*")).relative_to(blobs)
    names = ("_blobs", "/_blobs", "%5fblobs", "_shared_blobs", "%5fshared_blobs")
    for address in (*(f"/{name}/{path}" for name in names), "/_problem"):
        status, _, body = raw(
            front, f"GET {address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        assert (status, json.loads(body)["code"]) == (404, "not_found"), address


def test_nothing_that_a_client_sends_breaks_a_line_of_the_log(front: Front) -> None:
    before = len(front.lines().splitlines())
    hostile = b'"\\\x1b[31m\xff\xc3(\xe2\x80\xae","status_code":200'
    for request in (
        b"GET /files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: " + hostile + b"\r\n\r\n",
        b"GET /files/" + hostile.replace(b"\x1b", b"") + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        hostile + b" / HTTP/1.1\r\n\r\n",
    ):
        raw(front, request)
    lines = wait_until(
        lambda: front.lines().splitlines()[before + 2 :] and front.lines().splitlines(), 30, "lines"
    )

    parsed = [json.loads(line) for line in lines]
    assert all(isinstance(line["status_code"], int) for line in parsed)
    assert {line["path"] for line in parsed[before:]} >= {"/files", "(not ASCII)"}


HEAD = b"Host: x\r\nConnection: close\r\n"
HUGE = b"Content-Length: 99999999999\r\n"
LONG = b"a" * 20_000


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "bad_request"),
        (b"POST /upload HTTP/1.1\r\n" + HEAD + HUGE + b"\r\n", 413, "request_too_large"),
        (b"GET /" + LONG + b" HTTP/1.1\r\n" + HEAD + b"\r\n", 414, "address_too_long"),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X-Long: " + LONG + b"\r\n\r\n", 431, "headers_too_large"),
    ],
)
def test_nginxs_own_errors_are_the_services(
    front: Front, request_bytes: bytes, status: int, code: str
) -> None:
    assert _problem_code(*raw(front, request_bytes), status) == code


def test_what_is_gone_hangs_or_is_full_is_told_in_the_services_words(tmp_path: Path) -> None:
    front = Front(tmp_path / "front")
    with socket.create_server(("127.0.0.1", 0), backlog=20) as silent:
        environ = {"PORT": str(silent.getsockname()[1]), "DATA_DIR": str(tmp_path)}
        front.ship(environ)
        path = front.config_path
        path.write_text(path.read_text().replace("proxy_read_timeout 120s", "proxy_read_timeout 1s"))
        front.start()
        try:
            _problem_code(*raw(front, b"GET /files HTTP/1.1\r\n" + HEAD + b"\r\n"), 504)
            # Where bodies are kept there is no folder any more, which fails as a full disk does.
            shutil.rmtree(front.folder / "client_body")
            body = b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000
            _problem_code(*raw(front, b"PUT /upload/a HTTP/1.1\r\n" + HEAD + body), 503)
            silent.close()
            _problem_code(*raw(front, b"GET /files HTTP/1.1\r\n" + HEAD + b"\r\n"), 502)
        finally:
            front.kill()


def test_tls_serves_and_refuses_plain_text_in_the_same_words(tmp_path: Path, behind: Service) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files_out = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *subject, *files_out], check=True, capture_output=True)
    front = Front(tmp_path / "front")
    files = {"TLS_CERTIFICATE": str(certificate), "TLS_CERTIFICATE_KEY": str(key)}
    front.ship({**behind.environment(), **files}, f"https://127.0.0.1:{front.port}")
    front.start()
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                f"https://127.0.0.1:{front.port}/health/live", verify=str(certificate), timeout=30
            )
            metrics = f"https://127.0.0.1:{front.port}/metrics"
            refused = session.get(metrics, verify=str(certificate), timeout=30)
        assert answer.status_code == 200
        assert refused.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        _problem_code(*raw(front, b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n"), 400)
    finally:
        front.kill()


def _problem_code(status: int, headers: dict[str, str], body: bytes, expected: int) -> str:
    """The code of the problem that an answer is."""
    codes = {kind.code: kind.title for kind in errors.catalogue()}
    problem = json.loads(body)
    assert (status, problem["status"], headers["content-type"]) == (
        expected,
        expected,
        "application/problem+json",
    )
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
    assert problem["type"] == f"/docs/errors#{problem['code']}"
    assert problem["title"] == codes[problem["code"]]
    assert problem["request_id"] == headers["x-request-id"]
    assert problem["detail"]
    assert headers["x-content-type-options"] == "nosniff"
    return str(problem["code"])

"""The client that a running service sees behind a real proxy, and the effect of a header that it cannot read."""

import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from harness.servers import Front, Nginx, Service

RIGHTS = ("/metrics", "/health/detailed", "/api/v1/stats/clients", "/api/v1/alerts")
CLIENT = "203.0.113.9"
LIMIT = 3

_PROXY = """
server {{
    listen {listen};
    location / {{
        proxy_pass http://127.0.0.1:{port};
        {headers}
    }}
}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that trusts its own host as a proxy, with the monitoring networks that it has by default."""
    settings = {
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "RATELIMIT_API": f"{LIMIT}/hour",
        "RATELIMIT_AUTH": "",
        "MIN_FREE_SPACE": "0",
    }
    service = Service(tmp_path_factory.mktemp("service"), settings, workers=1).start()
    yield service
    service.kill()


def ask(server: Service, path: str, *lines: tuple[str, str]) -> int:
    """The status that a proxy on this host gets, which sends these header lines."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("GET", path)
    for name, value in lines:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.mark.parametrize("path", RIGHTS)
@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], 200),
        ([("X-Forwarded-For", "127.0.0.1")], 200),
        ([("X-Forwarded-For", "127.0.0.1:51234")], 200),
        ([("X-Forwarded-For", CLIENT)], 401),
        ([("X-Forwarded-For", f"{CLIENT}:51234")], 401),
        ([("X-Forwarded-For", "[2001:db8::1]")], 401),
        ([("X-Forwarded-For", "[2001:db8::1]:51234")], 401),
        ([("X-Forwarded-For", "unknown")], 401),
        ([("X-Forwarded-For", "")], 401),
        ([("X-Forwarded-For", '"127.0.0.1"')], 401),
        ([("X-Forwarded-For", "127.0.0.1,")], 401),
        ([("X-Forwarded-For", "0x7f000001")], 401),
        ([("X-Forwarded-For", "127.0.0.1\xa0")], 401),
        ([("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", CLIENT)], 401),
        ([("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "")], 401),
        ([("X-Forwarded-For", "unknown"), ("X-Forwarded-For", "127.0.0.1")], 401),
        ([("X-Forwarded-For", CLIENT), ("X-Forwarded-For", "127.0.0.1")], 401),
        ([("Forwarded", "for=127.0.0.1")], 401),
        ([("X-Real-IP", "127.0.0.1")], 401),
        ([("CF-Connecting-IP", "127.0.0.1")], 401),
        ([("X-Forwarded-Ssl", "on")], 401),
        ([("WL-Proxy-Client-IP", "127.0.0.1")], 401),
        ([("X-Forwarded", "")], 401),
    ],
    ids=str,
)
def test_rights_follow_from_what_can_be_read(
    server: Service, path: str, lines: list[tuple[str, str]], status: int
) -> None:
    limited = path.startswith("/api") and status == 401

    assert ask(server, path, *lines) in ({401, 429} if limited else {status})


def test_limits_hold_for_clients_with_a_port_and_for_those_unknown(server: Service) -> None:
    ports = [ask(server, "/files", ("X-Forwarded-For", f"198.51.100.1:{port}")) for port in range(LIMIT + 1)]
    forms = ("unknown", "_a", '"198.51.100.1"', "", "x", "198.51.100.1:x", "nobody")
    unknown = [ask(server, "/files", ("X-Forwarded-For", form)) for form in forms]

    assert ports == [200] * LIMIT + [429]
    assert unknown.count(200) <= LIMIT
    assert unknown[LIMIT:] == [429] * (len(forms) - LIMIT)
    assert ask(server, "/files") == 200, "the proxy itself is not limited"


def test_the_shipped_nginx_lets_no_client_be_unknown(server: Service, front: Front) -> None:
    front.ship({**server.environment(), "MONITORING_NETWORKS": "127.0.0.0/8"})
    front.start()

    for sent in ("unknown", CLIENT, "", f"{CLIENT}, unknown"):
        connection = HTTPConnection("127.0.0.1", front.port, timeout=60, source_address=("127.0.9.1", 0))
        connection.request("GET", "/metrics", headers={"X-Forwarded-For": sent, "Forwarded": "for=_x"})
        assert connection.getresponse().status == 200
        connection.close()
    text = server.request("GET", "/metrics").text
    assert "forwarded_headers_ignored_total 0.0" in text


def test_a_proxy_that_appends_vouches_for_its_own_hop_alone(server: Service, nginx: Nginx) -> None:
    headers = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
    nginx.configure(_PROXY.format(listen=f"127.0.0.1:{nginx.port}", port=server.port, headers=headers))
    nginx.start()

    for sent, status in (("127.0.0.1", 200), (CLIENT, 401), ("unknown", 401), ("", 401), ("127.0.0.1,", 401)):
        connection = HTTPConnection("127.0.0.1", nginx.port, timeout=60)
        connection.request("GET", "/metrics", headers={"X-Forwarded-For": sent})
        found = connection.getresponse().status
        connection.close()
        assert found == status, sent


@pytest.mark.parametrize("variable", ["$remote_addr", "$proxy_add_x_forwarded_for"])
def test_clients_of_an_nginx_on_a_unix_socket_are_unknown(
    server: Service, nginx: Nginx, tmp_path: Path, variable: str
) -> None:
    path = tmp_path / "front.sock"
    proxy = _PROXY.format(
        listen=f"unix:{path}", port=server.port, headers=f"proxy_set_header X-Forwarded-For {variable};"
    )
    nginx.configure(f"server {{ listen 127.0.0.1:{nginx.port}; return 204; }} {proxy}")
    nginx.start()

    with socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as reader:
        client.settimeout(60)
        client.connect(str(path))
        client.sendall(b"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n")
        status = reader.readline()

    assert status.split()[1] == b"401"


def test_a_proxy_that_sends_its_own_header_alone_gives_its_clients_no_rights(
    server: Service, nginx: Nginx
) -> None:
    headers = "proxy_set_header X-Real-IP $remote_addr;"
    nginx.configure(_PROXY.format(listen=f"127.0.0.1:{nginx.port}", port=server.port, headers=headers))
    nginx.start()

    connection = HTTPConnection("127.0.0.1", nginx.port, timeout=60)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 401
    connection.close()

"""The host that a request names: under a foreign one an address gives no rights, or nothing is served at all."""

import pytest
from flask import Flask

from filewallball.settings.loading import ConfigError, load_settings
from filewallball.web.hosts import Hosts
from filewallball.web.origin import Proxies, at_known_hosts
from tests.access.people import Build, client_of
from tests.conftest import ADMIN_TOKEN

ME, PROXY = "/api/v1/access/me", "192.0.2.1"
OURS = ["files.example.org", "share.example.net", "localhost", "127.0.0.1", "[::1]"]
KNOWN = [
    *OURS,
    *(
        "files.example.org:8443",
        "files.example.org:",
        "FILES.Example.ORG",
        "files.example.org.",
        "localhost:1",
    ),
    *("203.0.113.9", "203.0.113.9:8000", "[2001:DB8::1]:8000", "[fe80::1%25eth0]", "a.wild.example.net"),
    *("a.b.wild.example.net", "xn--hgbk6aj7f53bba.example", "own.internal:9"),
]
UNKNOWN = [
    *("", "evil.example", "files.example.org.evil.example", "evilfiles.example.org", "wild.example.net"),
    *("evilwild.example.net", ".wild.example.net.evil", "127.0.0.1.evil.example", "localhost.evil.example"),
    *(
        "127.1",
        "0x7f000001",
        "2130706433",
        "127.0.0.01",
        "::1",
        "[::1",
        "[::1]]",
        "[localhost]",
        "[127.0.0.1]",
    ),
    *(
        "localhost,localhost",
        "localhost, evil.example",
        "localhost localhost",
        "localhost:99999",
        "localhost:-1",
    ),
    *(
        "localhost:80:80",
        "user@localhost",
        "localhost/x",
        "localhost?x",
        "localhost#x",
        "localhost\\x",
        "http://localhost",
    ),
    *(
        "local\xadhost",
        "löcalhost",
        "localhost..",
        ".",
        "..",
        ":8000",
        "%6cocalhost",
        "localhost%00",
        "a" * 400,
    ),
]


@pytest.fixture
def open_to_all(build: Build) -> Flask:
    """An app that knows its public name alone."""
    return build(PUBLIC_URL="https://files.example.org", ANONYMOUS_ROLE="admin")


def hosts_of(**settings: str) -> Hosts:
    loaded = load_settings(settings)
    return Hosts(loaded.public_url, loaded.allowed_hosts, ["own.internal"])


@pytest.mark.parametrize("host", KNOWN)
def test_a_known_host_is_known_however_it_is_written(host: str) -> None:
    names = "share.example.net,*.wild.example.net,xn--hgbk6aj7f53bba.example"
    hosts = hosts_of(PUBLIC_URL="https://Files.Example.org:8443/x", ALLOWED_HOSTS=names)

    assert hosts.know({"HTTP_HOST": host}, is_trusted=False)


@pytest.mark.parametrize("host", UNKNOWN)
def test_a_foreign_or_malformed_host_is_not_known(host: str) -> None:
    hosts = hosts_of(PUBLIC_URL="https://files.example.org", ALLOWED_HOSTS="*.wild.example.net")

    assert not hosts.know({"HTTP_HOST": host}, is_trusted=True)


@pytest.mark.parametrize(
    ("environ", "is_trusted", "is_known"),
    [
        ({"RAW_URI": "http://localhost/metrics"}, False, True),
        ({"RAW_URI": "/metrics?http://evil.example/"}, False, True),
        ({"RAW_URI": "*"}, False, True),
        ({"RAW_URI": "http://evil.example/metrics"}, False, False),
        ({"RAW_URI": "http://localhost@evil.example/"}, False, False),
        ({"RAW_URI": "http://[::1/"}, False, False),
        ({"RAW_URI": "evil.example:80"}, False, False),
        ({"HTTP_X_FORWARDED_HOST": "evil.example"}, True, False),
        ({"HTTP_X_FORWARDED_HOST": "localhost, evil.example"}, True, False),
        ({"HTTP_X_FORWARDED_HOST": ""}, True, False),
        ({"HTTP_X_FORWARDED_HOST": "localhost:80, 127.0.0.1"}, True, True),
        ({"HTTP_X_FORWARDED_HOST": "evil.example"}, False, True),
        ({"HTTP_HOST": "evil.example", "HTTP_X_FORWARDED_HOST": "localhost"}, True, False),
    ],
)
def test_every_host_that_a_request_names_must_be_known(
    environ: dict[str, str], is_trusted: bool, is_known: bool
) -> None:
    assert Hosts("").know({"HTTP_HOST": "localhost", **environ}, is_trusted=is_trusted) is is_known


def test_an_origin_says_whether_its_host_is_known() -> None:
    resolve = at_known_hosts(Proxies(()).origin, Hosts(""))

    assert resolve({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"}).gives_rights
    assert not resolve({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "evil.example"}).gives_rights
    assert not resolve({"REMOTE_ADDR": "127.0.0.1"}).gives_rights


@pytest.mark.parametrize(
    "path", ["/metrics", "/health/detailed", "/api/v1/stats/clients", "/api/v1/audit/logs"]
)
def test_under_an_unknown_host_an_address_gives_no_rights(open_to_all: Flask, path: str) -> None:
    client, admin = client_of(open_to_all), client_of(open_to_all, ADMIN_TOKEN)

    assert client.get(path, headers={"Host": "evil.example"}).status_code == 401
    assert client.get(path, headers={"Host": "files.example.org"}).status_code == 200
    assert admin.get(path, headers={"Host": "evil.example"}).status_code == 200, "a token counts as ever"
    assert "unknown_hosts_total 2.0" in client.get("/metrics").text


def test_under_an_unknown_host_files_are_served_as_ever(open_to_all: Flask) -> None:
    client, host = client_of(open_to_all), {"Host": "files.lan"}

    url = client.put("/upload/a.txt", data=b"words", headers=host).get_json()["download_url"]
    me = client.get(ME, headers=host).get_json()

    assert client.get("/download/" + url.rpartition("/")[2], headers=host).data == b"words"
    assert (me["host"], me["host_is_known"]) == ("files.lan", False)


@pytest.mark.parametrize("path", ["/", "/files", "/metrics", "/health", "/docs", "/nowhere", "//files", ME])
def test_where_hosts_are_named_others_are_refused_on_record(build: Build, path: str) -> None:
    app = build(ALLOWED_HOSTS="files.example.org")
    client = client_of(app)

    refused = client.get(path, headers={"Host": "evil.example"})

    assert (refused.status_code, refused.get_json()["code"]) == (400, "host_not_allowed")
    assert client.get(path, headers={"Host": "files.example.org:1"}).status_code in (200, 308, 404)
    rows = (
        client_of(app, ADMIN_TOKEN).get("/api/v1/audit/logs?error_type=host_not_allowed").get_json()["logs"]
    )
    assert [(row["status"], row["ip_address"]) for row in rows] == [("denied", "127.0.0.1")]


@pytest.mark.parametrize("host", ["", "evil.example", "a,b"])
def test_liveness_needs_no_host(build: Build, host: str) -> None:
    client = client_of(build(ALLOWED_HOSTS="files.example.org"))

    assert client.get("/health/live", headers={"Host": host}).status_code == 200
    assert client.get("/health/ready", headers={"Host": host}).status_code == 400
    assert "unknown_hosts_total 1.0" in client.get("/metrics").text


def test_refused_hosts_count_towards_no_limit_and_no_block(build: Build) -> None:
    app = build(ALLOWED_HOSTS="files.example.org", RATELIMIT_API="3/hour", AUTOBLOCK_LIMITS="1/hour")
    client = client_of(app, address="203.0.113.7")

    codes = {client.get("/files", headers={"Host": "evil.example"}).get_json()["code"] for _ in range(20)}

    assert codes == {"host_not_allowed"}
    assert client.get("/files").status_code == 200


@pytest.mark.parametrize("host", ["localhost", "evil.example", "evil.example/x?y", "localhost:8443"])
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1//access/me", ME),
        ("/api//v1/access/me?a=1&b=%2F", f"{ME}?a=1&b=%2F"),
        ("///evil.example//files", "/evil.example/files"),
        ("/%5Cevil.example//x", "/%5Cevil.example/x"),
    ],
)
def test_a_redirect_names_no_host(open_to_all: Flask, host: str, path: str, target: str) -> None:
    answer = client_of(open_to_all).get("/", environ_overrides=at(path), headers={"Host": host})

    assert answer.status_code in (308, 400, 404)
    assert answer.headers.get("Location", target) == target
    assert "evil.example/x?y" not in answer.text


def at(path: str) -> dict[str, str]:
    """A path as a server hands it over; the test client would take two slashes for a host."""
    plain, _, query = path.partition("?")
    return {"PATH_INFO": plain.replace("%5C", "\\"), "QUERY_STRING": query, "RAW_URI": path}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Files.Example.ORG., *.example.net", ("files.example.org", "*.example.net")),
        ("파일.example", ("xn--pu5bl5s.example",)),
        ("", ()),
    ],
)
def test_hosts_are_kept_as_browsers_send_them(value: str, names: tuple[str, ...]) -> None:
    assert load_settings({"ALLOWED_HOSTS": value}).allowed_hosts == names


@pytest.mark.parametrize(
    "value",
    ["*", "*.", "*example.org", "a.*.org", "https://a.example", "a.example:80", "a/b", "a..b", "[::1]", "-"],
)
def test_what_is_no_host_is_refused_at_the_start(value: str) -> None:
    with pytest.raises(ConfigError, match="ALLOWED_HOSTS"):
        load_settings({"ALLOWED_HOSTS": value})

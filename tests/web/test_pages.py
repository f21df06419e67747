"""Pages of another origin use a visitor's browser: what they may change, and what its address gives them."""

from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.access.people import Build, client_of
from tests.conftest import ADMIN_TOKEN

PROXY, VISITOR = "192.0.2.1", "203.0.113.7"
LISTED = "https://app.example.org"
FOREIGN = "https://evil.example"
OWN = {"Sec-Fetch-Site": "same-origin"}
SETTINGS = {
    "PUBLIC_URL": "https://files.example.org:8443",
    "CORS_ORIGINS": LISTED,
    "TRUSTED_PROXIES": PROXY,
    "MONITORING_NETWORKS": f"{VISITOR}/32",
}
HONEST: dict[str, dict[str, str]] = {
    "curl, requests, httpx": {},
    "a page of ours": {**OWN, "Origin": "http://localhost"},
    "a form of ours that sends no referrer": {**OWN, "Origin": "null"},
    "an extension or a typed address": {"Sec-Fetch-Site": "none", "Origin": "null"},
    "an older browser, plain http": {"Origin": "http://localhost"},
    "an older browser, another port": {"Host": "files.lan:8080", "Origin": "http://files.lan:8080"},
    "an older browser, upper case": {"Host": "Files.LAN", "Origin": "http://files.lan"},
    "an older browser, IPv6": {"Host": "[::1]:8000", "Origin": "http://[::1]:8000"},
    "the scheme ends at a proxy": {"Host": "files.lan", "Origin": "https://files.lan"},
    "the default port is written": {"Host": "files.lan:443", "Origin": "https://files.lan"},
    "the public URL, where a proxy changes Host": {
        "Host": "127.0.0.1",
        "Origin": "https://files.example.org:8443",
    },
    "an allowed origin": {"Origin": LISTED, "Sec-Fetch-Site": "cross-site"},
    "an allowed origin on the same site": {"Origin": LISTED.upper(), "Sec-Fetch-Site": "same-site"},
}
BEHIND_PROXY: dict[str, dict[str, str]] = {
    "the proxy leaves the port out": {"Host": "files.lan", "Origin": "http://files.lan:8080"},
    "the proxy tells Host in a header": {
        "Host": "127.0.0.1:8000",
        "X-Forwarded-Host": "files.lan:8080",
        "Origin": "http://files.lan:8080",
    },
}
FORGED: dict[str, dict[str, str]] = {
    "another site": {"Origin": FOREIGN, "Sec-Fetch-Site": "cross-site"},
    "another port or subdomain": {"Origin": "http://localhost:1", "Sec-Fetch-Site": "same-site"},
    "a page without an origin": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "a word that means nothing": {"Sec-Fetch-Site": "same-origins"},
    "two words": {"Sec-Fetch-Site": "same-origin,cross-site"},
    "no word": {"Sec-Fetch-Site": ""},
    "an older browser": {"Origin": FOREIGN},
    "an older browser, no origin": {"Origin": "null"},
    "an older browser, empty origin": {"Origin": ""},
    "an older browser, another port": {"Origin": "http://localhost:8080"},
    "an older browser, our name in theirs": {"Origin": "http://localhost.evil.example"},
    "an older browser, user information": {"Origin": "http://localhost@evil.example"},
    "an older browser, another scheme": {"Origin": "ftp://localhost"},
    "an older browser, a list": {"Origin": "http://localhost, https://evil.example"},
    "the allowed origin as http": {"Origin": "http://app.example.org"},
    "a header of no proxy": {"Origin": FOREIGN, "X-Forwarded-Host": "evil.example"},
    "credentials in the address of a form": {"Origin": FOREIGN, "Authorization": "Basic eDp5"},
}
CHANGES = [
    ("POST", "/upload", "file:upload"),
    ("PUT", "/upload/a.txt", "file:upload"),
    ("DELETE", "/files/0123456789abcdef0123456789abcdef", "file:delete"),
    ("POST", "/api/v1/access/users", "user:create"),
    ("PATCH", "/api/v1/access/users/1", "user:update"),
    ("POST", "/nowhere", "auth:fail"),
    ("POST", "/docs", "auth:fail"),
]


@pytest.fixture
def app(build: Build) -> Flask:
    """An app behind a proxy that one other origin may use."""
    return build(**SETTINGS)


def put(client: FlaskClient, headers: Mapping[str, str]) -> tuple[int, str]:
    answer = client.put("/upload/a.txt", data=b"words", headers=headers)
    return answer.status_code, answer.get_json().get("code", "")


@pytest.mark.parametrize("sender", HONEST)
def test_an_honest_sender_uploads(app: Flask, sender: str) -> None:
    assert put(client_of(app, address=VISITOR), HONEST[sender]) == (201, "")


@pytest.mark.parametrize("sender", [*HONEST, *BEHIND_PROXY])
def test_an_honest_sender_uploads_through_a_proxy(app: Flask, sender: str) -> None:
    sent = {"X-Forwarded-For": VISITOR, **{**HONEST, **BEHIND_PROXY}[sender]}

    assert put(client_of(app, address=PROXY), sent) == (201, "")


@pytest.mark.parametrize("sender", FORGED)
@pytest.mark.parametrize("address", [VISITOR, PROXY])
def test_a_foreign_page_uploads_nothing(app: Flask, sender: str, address: str) -> None:
    forwarded = {"X-Forwarded-For": VISITOR} if address == PROXY else {}
    if address == PROXY:
        forwarded |= {
            "X-Forwarded-Host": "localhost:80",
            "Host": "localhost:80",
        }  # in the place of the sender's

    assert put(client_of(app, address=address), {**FORGED[sender], **forwarded}) == (403, "foreign_page")


@pytest.mark.parametrize(("method", "path", "action"), CHANGES)
def test_every_change_by_a_foreign_page_is_refused_on_record(
    app: Flask, method: str, path: str, action: str
) -> None:
    answer = client_of(app, address=VISITOR).open(
        path, method=method, headers=FORGED["another site"], data=b"{}"
    )
    admin = client_of(app, ADMIN_TOKEN, VISITOR)
    rows = admin.get("/api/v1/audit/logs?error_type=foreign_page").get_json()["logs"]

    assert (answer.status_code, answer.get_json()["code"]) == (403, "foreign_page")
    assert [(row["action"], row["status"], row["ip_address"]) for row in rows] == [
        (action, "denied", VISITOR)
    ]


@pytest.mark.parametrize("token", [ADMIN_TOKEN, "fwb_nobody-was-given-this-token"])
def test_a_request_with_a_token_of_its_own_is_judged_by_the_token(app: Flask, token: str) -> None:
    status, code = put(client_of(app, token, VISITOR), FORGED["another site"])

    assert (status, code) in ((201, ""), (401, "auth_unknown"))


def test_any_page_may_change_where_cors_allows_any(build: Build) -> None:
    app = build(CORS_ORIGINS="*")

    assert put(client_of(app), FORGED["another site"]) == (201, "")
    assert put(client_of(app), FORGED["an older browser, no origin"]) == (201, "")


def test_posts_of_foreign_pages_count_against_nobody(build: Build) -> None:
    limits = {"RATELIMIT_UPLOAD": "3/hour", "AUTOBLOCK_LIMITS": "1/hour", "AUTOBLOCK_AUTH": "1/hour"}
    app = build(**limits, QUOTA_ANONYMOUS_FILES="1", AUTOBLOCK_SUSPICIOUS="1/hour")
    client = client_of(app, address=VISITOR)

    codes = {put(client, {**FORGED["another site"], "Authorization": "Basic eDp5"})[1] for _ in range(55)}

    assert codes == {"foreign_page"}
    assert put(client, {}) == (201, "")


MONITORED = ["/metrics", "/health/detailed", "/api/v1/stats/clients", "/api/v1/metrics/detailed"]
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
EMBEDDED = {
    "an image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    "a script": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    "a frame": {**LINK, "Sec-Fetch-Dest": "iframe"},
    "a fetch": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": FOREIGN},
    "a fetch of an older browser": {"Origin": FOREIGN},
    "a fetch of a page without an origin": {"Origin": "null"},
}


@pytest.mark.parametrize("path", MONITORED)
@pytest.mark.parametrize("origins", [LISTED, "*"])
@pytest.mark.parametrize("way", EMBEDDED)
def test_no_foreign_page_uses_the_rights_of_its_visitors_address(
    build: Build, path: str, origins: str, way: str
) -> None:
    app = build(**{**SETTINGS, "CORS_ORIGINS": origins})

    assert client_of(app, address=VISITOR).get(path, headers=EMBEDDED[way]).status_code == 401
    assert client_of(app, ADMIN_TOKEN, VISITOR).get(path, headers=EMBEDDED[way]).status_code == 200


@pytest.mark.parametrize("path", MONITORED)
@pytest.mark.parametrize("sent", [{}, OWN, {"Sec-Fetch-Site": "none"}, LINK, HONEST["an allowed origin"]])
def test_people_and_programs_keep_the_rights_of_their_address(
    app: Flask, path: str, sent: dict[str, str]
) -> None:
    assert client_of(app, address=VISITOR).get(path, headers=sent).status_code == 200


@pytest.mark.parametrize("way", EMBEDDED)
def test_what_anonymous_callers_may_beyond_users_is_not_for_foreign_pages(build: Build, way: str) -> None:
    app = build(ANONYMOUS_ROLE="admin")
    client = client_of(app)

    assert client.get("/api/v1/audit/logs").status_code == 200
    assert client.get("/api/v1/audit/logs", headers=EMBEDDED[way]).status_code == 401
    assert client.get("/files", headers=EMBEDDED[way]).status_code == 200


def test_a_link_from_a_mail_fetches_a_file(app: Flask) -> None:
    client = client_of(app, address=VISITOR)
    url = client.put("/upload/a.txt", data=b"words").get_json()["download_url"]
    path = "/download/" + url.rpartition("/")[2]

    assert client.get(path, headers=LINK).data == b"words"
    assert client.head(path, headers=LINK).status_code == 200
    assert client.options("/upload", headers={"Origin": FOREIGN}).status_code == 200


def test_without_cors_no_answer_may_be_read_by_another_origin(build: Build) -> None:
    app = build()

    for path in ("/metrics", "/files", "/", "/docs", "/nowhere"):
        headers = client_of(app).get(path, headers={"Origin": FOREIGN}).headers
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers

"""Requests that are no operation count towards limits: floods are refused and merged, honest clients never meet it."""

import re

import pytest
from flask.testing import FlaskClient

from harness.parts import Parts
from tests.access.people import Build, client_of, events
from tests.conftest import ADMIN_TOKEN

ADDRESS = "203.0.113.7"
ORIGIN = "https://app.example.org"


def statuses(client: FlaskClient, times: int, path: str, method: str = "GET", **headers: str) -> list[int]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [client.open(path, method=method, headers=named).status_code for _ in range(times)]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/favicon.ico", 404),
        ("GET", "/wp-admin/setup.php", 404),
        ("POST", "/nowhere", 404),
        ("DELETE", "/files", 405),
        ("TRACE", "/files", 405),
        ("POST", "/health/live", 405),
        ("OPTIONS", "/files", 200),
        ("OPTIONS", "/health/live", 200),
        ("OPTIONS", "/nowhere", 404),
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/errors", 200),
        ("GET", "/openapi.json", 200),
    ],
)
def test_what_is_no_operation_counts_towards_the_limit(
    build: Build, method: str, path: str, status: int
) -> None:
    app = build(RATELIMIT_API="3/hour")

    assert statuses(client_of(app, address=ADDRESS), 5, path, method) == [status] * 3 + [429] * 2
    assert statuses(client_of(app, address="203.0.113.8"), 1, path, method) == [status]


def test_all_of_them_share_one_count_with_the_api(build: Build) -> None:
    client = client_of(build(RATELIMIT_API="4/hour"), address=ADDRESS)

    seen = [
        client.get(path).status_code for path in ("/files", "/nowhere", "/", "/docs", "/files", "/nowhere")
    ]

    assert seen == [200, 404, 200, 200, 429, 429]


def test_a_page_and_all_that_it_loads_is_within_the_limit_as_often_as_the_page(build: Build) -> None:
    client = client_of(build(RATELIMIT_API="6/hour"), address=ADDRESS)
    for _ in range(3):
        page = client.get("/docs").text
        assets = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(assets) >= 3
        assert {client.get(path).status_code for path in assets} == {200}
        assert client.get("/openapi.json").status_code == 200

    assert statuses(client, 1, "/docs") == [429]
    flood = statuses(client, 60, assets[0])
    assert flood.count(429) > 0
    assert sum(status == 200 for status in flood) + 3 * len(assets) == 60


@pytest.mark.parametrize(
    ("method", "path", "setting"),
    [
        ("PUT", "/upload/a.txt", "RATELIMIT_UPLOAD"),
        ("POST", "/upload", "RATELIMIT_UPLOAD"),
        ("GET", "/download/x", "RATELIMIT_DOWNLOAD"),
        ("GET", "/files", "RATELIMIT_API"),
        ("DELETE", "/files/x", "RATELIMIT_API"),
    ],
)
def test_a_browser_that_stays_within_a_limit_stays_within_that_of_its_preflights(
    build: Build, method: str, path: str, setting: str
) -> None:
    limits = dict.fromkeys(("RATELIMIT_UPLOAD", "RATELIMIT_DOWNLOAD", "RATELIMIT_API"), "1/hour")
    client = client_of(build(CORS_ORIGINS=ORIGIN, **{**limits, setting: "5/hour"}), address=ADDRESS)
    page = {"Origin": ORIGIN, "Access_Control_Request_Method": method}

    for _ in range(5):
        assert statuses(client, 1, path, "OPTIONS", **page) == [200]
        assert statuses(client, 1, path, method, Origin=ORIGIN) != [429]

    assert statuses(client, 1, path, "OPTIONS", **page) == [429]
    assert statuses(client, 1, path, method, Origin=ORIGIN) == [429]


def test_a_page_may_read_that_its_preflight_was_refused(build: Build) -> None:
    client = client_of(build(CORS_ORIGINS=ORIGIN, RATELIMIT_API="1/hour"), address=ADDRESS)
    statuses(client, 1, "/nowhere")

    answer = client.get("/nowhere", headers={"Origin": ORIGIN})

    assert (answer.status_code, answer.get_json()["code"]) == (429, "rate_limited")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("OPTIONS", "/files"), ("GET", "/docs")])
def test_a_flood_of_refusals_is_merged_and_counted(build: Build, method: str, path: str) -> None:
    app = build(RATELIMIT_API="2/hour")
    statuses(client_of(app, address=ADDRESS), 60, path, method)
    Parts(app).ledger.coalescer.close_all()

    rows = [row for row in events(client_of(app, ADMIN_TOKEN), "auth:fail") if row["ip_address"] == ADDRESS]

    assert sum(int(str(row["count"])) for row in rows) == 58
    assert len(rows) <= 12
    assert {row["error_type"] for row in rows} == {"rate_limited"}
    assert {row["status"] for row in rows} == {"denied"}


def test_without_a_limit_nothing_is_refused_and_nothing_on_record(build: Build) -> None:
    app = build()
    for path in ("/nowhere", "/", "/docs"):
        assert 429 not in statuses(client_of(app, address=ADDRESS), 20, path)

    assert events(client_of(app, ADMIN_TOKEN), "auth:fail") == []


def test_a_limit_that_is_only_watched_refuses_nothing(build: Build) -> None:
    client = client_of(build(RATELIMIT_API="1/hour", RATELIMIT_ENFORCE="false"), address=ADDRESS)

    assert statuses(client, 3, "/nowhere") == [404] * 3
    assert statuses(client, 3, "/docs") == [200] * 3


def test_the_limits_shown_to_a_caller_are_those_that_are_set(build: Build) -> None:
    client = client_of(build(RATELIMIT_API="9/hour", RATELIMIT_AUTH="off"), address=ADDRESS)

    assert [row["name"] for row in client.get("/api/v1/access/me").get_json()["limits"]] == ["api"]

"""The statistics routes: who may ask, what is refused, and that an answer has what the caller did a moment ago."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.stats.conftest import Record

DETAILED = "/api/v1/metrics/detailed"
MINE = "/api/v1/upload/statistics/198.51.100.9"
OTHERS = "/api/v1/upload/statistics/192.0.2.1"
ERRORS = "/api/v1/upload/errors"
CLIENTS = "/api/v1/stats/clients"
SERIES = "/api/v1/stats/series"


@pytest.mark.parametrize(
    ("role", "mine", "others"), [("guest", 401, 401), ("user", 200, 401), ("monitor", 200, 200)]
)
def test_who_may_read_what(set_config: Callable[..., Flask], role: str, mine: int, others: int) -> None:
    client = set_config(ANONYMOUS_ROLE=role).test_client()

    def status(path: str) -> int:
        return client.get(path, environ_base={"REMOTE_ADDR": "198.51.100.9"}).status_code

    assert [status(path) for path in (MINE, f"{SERIES}?client=198.51.100.9")] == [mine] * 2
    assert status(f"{SERIES}?client=192.0.2.1") == status(f"{SERIES}?client=unknown") == others
    assert [status(path) for path in (OTHERS, DETAILED, ERRORS, CLIENTS, SERIES)] == [others] * 5


def test_monitoring_networks_may_read_all_of_it(client: FlaskClient) -> None:
    assert [client.get(path).status_code for path in (DETAILED, OTHERS, ERRORS, CLIENTS)] == [200] * 4


def test_periods_are_one_to_365_days(client: FlaskClient) -> None:
    for path in (DETAILED, OTHERS, ERRORS, CLIENTS):
        answers = [
            client.get(f"{path}?days={days}") for days in ("0", "366", "a week", "", "1&days=2", "365")
        ]
        assert [answer.status_code for answer in answers] == [422] * 5 + [200]
    assert client.get(f"{ERRORS}?days=1&days=2").get_json()["errors"] == {"days": ["Send this once."]}


def test_addresses_in_any_spelling_are_one_client(client: FlaskClient, record: Record) -> None:
    record(2, ip_address="2001:db8::1")
    record(3, ip_address="192.0.2.7")
    spellings = {
        "2001:DB8:0:0::1": ("2001:db8::1", 2),
        "2001:0db8:0000:0000:0000:0000:0000:0001": ("2001:db8::1", 2),
        "2001:db8::1%25eth0": ("2001:db8::1", 2),
        "::ffff:192.0.2.7": ("192.0.2.7", 3),
        "::ffff:c000:207": ("192.0.2.7", 3),
    }

    for spelling, expected in spellings.items():
        answer = client.get(f"/api/v1/upload/statistics/{spelling}").get_json()
        assert (answer["client_ip"], answer["total_uploads"]) == expected


def test_what_is_no_address_is_refused(client: FlaskClient) -> None:
    for text in (
        *(
            "not-an-address",
            "192.0.2",
            "192.0.2.007",
            "192.0.2.7.",
            "192.0.2.7%20",
            "192.0.2.7:80",
            "3221225991",
        ),
        *("192.0.2.7%25eth0", "[2001:db8::1]", "2001:db8::1%25", "2001:db8:::1", "2001:db8::1%00"),
    ):
        answer = client.get(f"/api/v1/upload/statistics/{text}")

        assert answer.status_code == 422, text
        assert answer.get_json()["errors"] == {"client_ip": ["Not an IP address."]}


def test_a_client_never_seen_has_zeros(client: FlaskClient) -> None:
    answer = client.get("/api/v1/upload/statistics/203.0.113.200")

    assert answer.status_code == 200
    assert answer.get_json() == {
        "client_ip": "203.0.113.200",
        "period_days": 7,
        "total_uploads": 0,
        "total_size": 0,
        "successful_uploads": 0,
        "failed_uploads": 0,
        "average_file_size": 0,
        "most_common_type": None,
        "upload_trend": [],
        "file_type_distribution": {},
        "error_breakdown": {},
    }


def test_an_upload_is_in_the_statistics_at_once(
    client: FlaskClient, operations: Callable[[], list[Any]]
) -> None:
    before = client.get(DETAILED).get_json()
    sent = client.post("/upload", data={"file": (io.BytesIO(b"a few words"), "note.txt")})
    file_id = sent.get_json()["file_id"]
    client.get(f"/view/{file_id}")
    client.get(f"/download/{file_id}")
    client.get(f"/download/{file_id}", headers={"If-None-Match": "*"})

    after = client.get(DETAILED).get_json()
    mine = client.get("/api/v1/upload/statistics/127.0.0.1").get_json()

    assert after["system_metrics"]["total_files"] == before["system_metrics"]["total_files"] + 1
    assert after["user_metrics"]["total_downloads_today"] == 1
    assert after["user_metrics"]["total_views_today"] == 1
    assert after["performance_metrics"]["response_time_p95"] > 0
    assert (mine["successful_uploads"], mine["total_size"]) == (1, 11)
    assert mine["file_type_distribution"] == {"text/plain": 1}
    assert [row.action for row in operations()].count("stats:read") == 3


def test_clients_are_ranked_and_paged(client: FlaskClient, record: Record) -> None:
    for host in range(1, 6):
        record(host, action="file:view", ip_address=f"192.0.2.{host}", file_size=10 - host)
    record(1, status="failed", error_type="network_error", ip_address="192.0.2.1")

    by_count = client.get(CLIENTS, query_string={"size": 2}).get_json()
    by_errors = client.get(CLIENTS, query_string={"order": "errors", "size": 1}).get_json()
    last = client.get(CLIENTS, query_string={"size": 2, "page": 3}).get_json()

    assert [entry["client_ip"] for entry in by_count["clients"]] == ["192.0.2.5", "192.0.2.4"]
    assert by_count["clients"][0] == {"client_ip": "192.0.2.5", "count": 5, "bytes": 25, "errors": 0}
    assert by_errors["clients"][0]["client_ip"] == "192.0.2.1"
    assert (by_count["page"], by_count["size"], by_count["period_days"]) == (1, 2, 7)
    assert len(last["clients"]) >= 1
    assert client.get(CLIENTS, query_string={"page": 21, "size": 500}).get_json()["code"] == "page_too_deep"
    assert client.get(CLIENTS, query_string={"order": "beauty"}).status_code == 422


def test_every_field_is_described(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    schemas = document["components"]["schemas"]
    for path in (DETAILED, "/api/v1/upload/statistics/{client_ip}", ERRORS, CLIENTS, SERIES):
        parameters = document["paths"][path]["get"]["parameters"]
        assert all("description" in parameter for parameter in parameters if "name" in parameter), path

    for name in (
        "DetailedMetrics",
        "ClientUploads",
        "UploadErrors",
        "ClientPage",
        "Capacity",
        "UserMetrics",
        "Point",
        "Series",
    ):
        properties = schemas[name]["properties"]
        assert all("description" in field for field in properties.values()), name


def test_requests_in_progress_are_told_where_metrics_are_kept(
    admin: FlaskClient, set_config: Callable[..., Flask]
) -> None:
    without = set_config(PROMETHEUS_ENABLED="false").test_client()
    without.environ_base["HTTP_AUTHORIZATION"] = admin.environ_base["HTTP_AUTHORIZATION"]

    assert admin.get("/api/v1/metrics/detailed").get_json()["active_connections"] == 1
    assert without.get("/api/v1/metrics/detailed").get_json()["active_connections"] is None

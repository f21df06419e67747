"""`/metrics` and the HTTP families on the real application: guarded, bounded, timed to the last byte."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Signal

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from tests.observability.scrape import Samples, names_of, samples_of, total_of, value_of

Make = Callable[..., FlaskClient]


@pytest.fixture
def service_client(set_config: Callable[..., Flask]) -> Make:
    """Clients of applications with some settings changed."""
    return lambda **settings: set_config(**settings).test_client()


def scrape(client: FlaskClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return samples_of(answer.get_data(as_text=True))


def test_requests_count_by_rule_method_and_status(service_client: Make) -> None:
    client = service_client()
    for _ in range(3):
        client.get("/health/live")
    samples = scrape(client)
    labels = {"method": "GET", "status": "200"}
    assert value_of(samples, "flask_http_request_total", **labels) == 3
    name = "flask_http_request_duration_seconds_count"
    assert value_of(samples, name, url_rule="/health/live", **labels) == 3


def test_unknown_paths_and_methods_are_one_series_each(service_client: Make) -> None:
    client = service_client()
    for number in range(20):
        client.open(f"/nothing/{number}", method=f"MADE-UP-{number}")
        client.open("/files", method=f"MADE-UP-{number}")
    samples = scrape(client)
    assert value_of(samples, "flask_http_request_total", method="OTHER", status="404") == 20
    assert value_of(samples, "flask_http_request_total", method="OTHER", status="405") == 20
    rules = {
        dict(labels)["url_rule"]
        for name, labels in samples
        if name.endswith("seconds_count") and dict(labels).get("url_rule")
    }
    assert rules == {"None"}


def test_a_second_application_in_the_process_is_measured_too(service_client: Make, tmp_path: Path) -> None:
    first, second = service_client(), service_client(DATA_DIR=str(tmp_path / "second"))
    for client, times in ((first, 1), (second, 2), (first, 4)):
        for _ in range(times):
            client.get("/health/live")
    assert value_of(scrape(first), "flask_http_request_total", method="GET", status="200") == 5
    assert value_of(scrape(second), "flask_http_request_total", method="GET", status="200") == 2


def test_scrapes_do_not_count_themselves(service_client: Make) -> None:
    client = service_client()
    scrape(client)
    assert total_of(scrape(client), "flask_http_request_total") == 0


def test_a_request_in_progress_is_an_active_connection(service_client: Make) -> None:
    client = service_client()
    assert value_of(scrape(client), "active_connections") == 1
    assert value_of(scrape(client), "active_connections") == 1


def test_a_streamed_answer_is_timed_to_its_end(service_client: Make) -> None:
    client = service_client()
    app: Flask = client.application
    ended = Signal()

    @app.get("/stream")
    def stream() -> Response:
        def chunks() -> Iterator[bytes]:
            yield b"one"
            assert ended.wait(0.3) is False
            yield b"two"

        return Response(chunks())

    assert client.get("/stream").data == b"onetwo"
    labels = {"method": "GET", "status": "200", "url_rule": "/stream"}
    assert value_of(scrape(client), "flask_http_request_duration_seconds_sum", **labels) >= 0.3


def test_an_exception_nobody_foresaw_is_counted(service_client: Make) -> None:
    client = service_client()
    app: Flask = client.application

    @app.get("/broken")
    def broken() -> str:
        raise LookupError("lost")

    assert client.get("/broken").status_code == 500
    assert value_of(scrape(client), "flask_http_request_exceptions_total", method="GET", status="500") == 1


def test_refusals_are_no_exceptions(service_client: Make) -> None:
    client = service_client()
    client.get("/files/00000000-0000-0000-0000-000000000000")
    client.get("/nothing")
    assert total_of(scrape(client), "flask_http_request_exceptions_total") == 0


def test_openmetrics_and_compression_are_negotiated(service_client: Make) -> None:
    client = service_client()
    answer = client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
    )
    assert answer.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert gzip.decompress(answer.data).endswith(b"# EOF\n")
    plain = client.get("/metrics", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_names_restrict_the_answer(service_client: Make) -> None:
    client = service_client()
    client.get("/health/live")
    answer = client.get(
        "/metrics?name[]=flask_http_request_total&name[]=process_start_time_seconds&name[]=%00"
    )
    assert answer.status_code == 200
    samples = samples_of(answer.get_data(as_text=True))
    assert names_of(samples) == {"flask_http_request_total", "process_start_time_seconds"}


def test_metrics_can_be_turned_off(service_client: Make) -> None:
    client = service_client(PROMETHEUS_ENABLED="false")
    assert client.get("/health/live").status_code == 200
    assert client.get("/metrics").status_code == 404


def test_outsiders_may_not_read_metrics(service_client: Make) -> None:
    client = service_client()
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 401
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    assert client.get("/metrics").status_code == 200


def test_a_token_with_the_permission_reads_metrics_from_anywhere(app: Flask, admin: FlaskClient) -> None:
    outside = {"REMOTE_ADDR": "192.0.2.1"}
    assert admin.get("/metrics", environ_base=outside).status_code == 200
    stranger = app.test_client().get("/metrics", environ_base=outside, headers={"Authorization": "Bearer x"})
    assert stranger.status_code == 401


def test_an_unbelieved_forwarding_header_is_counted(service_client: Make) -> None:
    client = service_client()
    client.get("/health/live", headers={"X-Forwarded-For": "192.0.2.1"})
    assert value_of(scrape(client), "forwarded_headers_ignored_total") == 1


def test_the_rooms_gauges_are_there(service_client: Make) -> None:
    client = service_client()
    client.get("/files")
    samples = scrape(client)
    assert value_of(samples, "database_connections_open") >= 1
    assert value_of(samples, "database_connections_in_use") == 0
    assert 0 <= value_of(samples, "storage_utilization_percent") <= 100
    assert value_of(samples, "audit_journal_writable") == 1
    assert value_of(samples, "process_start_time_seconds") > 1_700_000_000
    assert total_of(samples, "filewallball_build_info") == 1

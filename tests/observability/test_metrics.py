"""Each event moves exactly the metrics it is about, as often as it counts, in labels that stay bounded."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball.observability.contract import CONTRACT
from filewallball.observability.vocabulary import MAX_CLIENTS
from filewallball.recording.event import Event
from tests.fixtures.metrics import Bench, bench_in
from tests.observability.scrape import Samples, exemplars_of, names_of, total_of, value_of

Make = Callable[..., Event]


def moved(before: Samples, after: Samples) -> dict[str, float]:
    """The names that went up, and by how much over all their labels."""
    names = {name for name, _ in after}
    changes = {name: total_of(after, name) - total_of(before, name) for name in names}
    return {name: change for name, change in changes.items() if change and not name.endswith("_bucket")}


def test_a_successful_upload_is_counted_sized_and_timed(bench: Bench, event: Make) -> None:
    before = bench.scrape()
    bench.metrics.record(
        event(
            "file:upload",
            file_type="image/png",
            file_size=2048,
            duration_us=1_500_000,
            commit_us=250_000,
            ip_address="192.0.2.7",
            endpoint="/upload",
        )
    )
    after = bench.scrape()
    assert moved(before, after) == {
        "operations_total": 1,
        "file_uploads_total": 1,
        "file_upload_bytes_total": 2048,
        "file_size_bytes_count": 1,
        "file_size_bytes_sum": 2048,
        "file_upload_duration_seconds_count": 1,
        "file_upload_duration_seconds_sum": 1.5,
        "upload_commit_duration_seconds_count": 1,
        "upload_commit_duration_seconds_sum": 0.25,
    }
    labels = {"status": "success", "file_type": "image/png", "client_ip": "192.0.2.7"}
    assert value_of(after, "file_uploads_total", **labels) == 1
    assert value_of(after, "file_size_bytes_bucket", file_type="image/png", le="10240.0") == 1
    assert value_of(after, "file_size_bytes_bucket", file_type="image/png", le="1024.0") == 0


def test_series_are_there_from_the_start_under_the_keys_that_they_keep(bench: Bench) -> None:
    def keys() -> set[tuple[str, str]]:
        files = bench.metrics._files._files
        return {(kind, key) for kind, file in files.items() for key in file.keys}

    assert bench.metrics.prepare()
    before = keys()
    for metric in CONTRACT:
        for values in () if metric.scraped else metric.preset if metric.labels else [()]:
            assert bench.metrics._families[metric.name]._series(values)
    assert keys() == before


def test_only_a_single_timed_request_stands_by_its_bucket(bench: Bench, event: Make) -> None:
    def record(action: str, request_id: str, duration_us: int = 1_500_000, **fields: object) -> None:
        bench.metrics.record(event(action, request_id=request_id, duration_us=duration_us, **fields))

    record("file:upload", "req_upload", trace_id="a" * 32, commit_us=200_000)
    record("file:download", "req_" + "d" * 60)
    record("file:upload", "req_many", count=3)
    record("file:upload", "req_refused", status="denied", error_type="forbidden")
    record("file:download", "req_by_nginx", duration_us=0)
    record("file:view", "req_of_no_family")
    record("file:download", "", duration_us=50)
    record("file:download", 'req_"} 1', duration_us=20_000_000)
    record("file:download", "r" * 65, duration_us=40_000_000)

    found = exemplars_of(bench.exposition.render("application/openmetrics-text")[0])

    assert [(exemplar.family, exemplar.labels, exemplar.low, exemplar.high) for exemplar in found] == [
        ("upload_commit_duration_seconds", {"request_id": "req_upload", "trace_id": "a" * 32}, 0.1, 0.25),
        ("file_upload_duration_seconds", {"request_id": "req_upload", "trace_id": "a" * 32}, 1, 2.5),
        ("file_download_duration_seconds", {"request_id": "req_" + "d" * 60}, 1, 2.5),
    ]


def test_a_failed_upload_is_an_error_and_is_not_sized(bench: Bench, event: Make) -> None:
    before = bench.scrape()
    bench.metrics.record(
        event("file:upload", status="failed", error_type="file_too_large", file_size=100, endpoint="/upload")
    )
    assert moved(before, bench.scrape()) == {
        "operations_total": 1,
        "file_uploads_total": 1,
        "file_upload_bytes_total": 100,
        "errors_total": 1,
    }


def test_an_upload_whose_client_left_is_aborted(bench: Bench, event: Make) -> None:
    bench.metrics.record(
        event("file:upload", status="failed", error_type="network_error", endpoint="/upload")
    )
    after = bench.scrape()
    assert value_of(after, "file_uploads_aborted_total") == 1
    assert value_of(after, "errors_total", error_type="network_error", endpoint="/upload") == 1


def test_a_suspicious_upload_counts_even_if_refused(bench: Bench, event: Make) -> None:
    bench.metrics.record(event("file:upload", suspicious=True))
    bench.metrics.record(
        event("file:upload", suspicious=True, status="failed", error_type="invalid_file_type")
    )
    assert value_of(bench.scrape(), "suspicious_uploads_total") == 2


def test_a_download_is_counted_timed_and_its_bytes_added(bench: Bench, event: Make) -> None:
    before = bench.scrape()
    bench.metrics.record(
        event("file:download", file_type="text/plain", file_size=10, duration_us=250_000, ip_address="::1")
    )
    after = bench.scrape()
    assert moved(before, after) == {
        "operations_total": 1,
        "file_downloads_total": 1,
        "file_download_bytes_total": 10,
        "file_download_duration_seconds_count": 1,
        "file_download_duration_seconds_sum": 0.25,
    }
    assert value_of(after, "file_downloads_total", file_type="text/plain", client_ip="::1") == 1


def test_a_download_that_nginx_sends_is_counted_but_not_timed(bench: Bench, event: Make) -> None:
    before = bench.scrape()
    bench.metrics.record(event("file:download", file_type="text/plain", file_size=10, duration_us=0))
    changes = moved(before, bench.scrape())
    assert changes["file_downloads_total"] == 1
    assert "file_download_duration_seconds_count" not in changes


def test_a_broken_download_counts_its_bytes_and_an_error(bench: Bench, event: Make) -> None:
    before = bench.scrape()
    bench.metrics.record(
        event(
            "file:download",
            status="failed",
            error_type="network_error",
            file_size=7,
            endpoint="/download/<file_id>",
        )
    )
    assert moved(before, bench.scrape()) == {
        "operations_total": 1,
        "errors_total": 1,
        "file_download_bytes_total": 7,
    }


@pytest.mark.parametrize("action", ["file:view", "file:check", "file:thumbnail"])
def test_views_checks_and_thumbnails_are_no_downloads(bench: Bench, event: Make, action: str) -> None:
    before = bench.scrape()
    bench.metrics.record(event(action, file_type="text/plain", file_size=10, duration_us=1))
    assert moved(before, bench.scrape()) == {"operations_total": 1}


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("auth_missing", "missing"),
        ("auth_malformed", "malformed"),
        ("auth_unknown", "unknown"),
        ("auth_expired", "expired"),
        ("auth_revoked", "revoked"),
        ("forbidden", "forbidden"),
        ("link_password_wrong", "link_password"),
    ],
)
def test_refused_credentials_count_by_what_was_wrong(
    bench: Bench, event: Make, code: str, failure: str
) -> None:
    before = bench.scrape()
    bench.metrics.record(event("auth:fail", status="denied", error_type=code, endpoint="/upload"))
    after = bench.scrape()
    assert moved(before, after) == {"operations_total": 1, "authentication_failures_total": 1}
    assert value_of(after, "authentication_failures_total", failure_type=failure) == 1


def test_a_refused_rate_counts_by_endpoint_and_is_no_error(bench: Bench, event: Make) -> None:
    before = bench.scrape()
    bench.metrics.record(event("file:list", status="denied", error_type="rate_limited", endpoint="/files"))
    after = bench.scrape()
    assert moved(before, after) == {"operations_total": 1, "rate_limit_violations_total": 1}
    assert value_of(after, "rate_limit_violations_total", endpoint="/files") == 1


def test_a_folded_event_counts_as_often_as_it_happened(bench: Bench, event: Make) -> None:
    before = bench.scrape()
    bench.metrics.record(
        event("file:upload", status="failed", error_type="invalid_file_type", endpoint="/upload", count=50)
    )
    assert moved(before, bench.scrape()) == {
        "operations_total": 50,
        "file_uploads_total": 50,
        "errors_total": 50,
    }


@pytest.mark.parametrize("result", ["hit", "miss"])
def test_cache_lookups_count(bench: Bench, event: Make, result: str) -> None:
    bench.metrics.record(event("file:download", cache=result))
    assert value_of(bench.scrape(), "cache_requests_total", result=result) == 1


def test_a_verification_fails_only_where_the_log_is_broken(bench: Bench, event: Make) -> None:
    before = bench.scrape()
    for code in ("", "unavailable", "audit_broken"):
        bench.metrics.record(event("audit:verify", status="failed" if code else "success", error_type=code))

    assert moved(before, bench.scrape()) == {"operations_total": 3, "audit_verify_failures_total": 1}


def test_errors_of_unmatched_routes_are_left_out(bench: Bench, event: Make) -> None:
    before = total_of(bench.scrape(), "errors_total")
    bench.metrics.record(event("file:download", status="failed", error_type="not_found", endpoint=""))
    assert total_of(bench.scrape(), "errors_total") == before


def test_known_series_are_there_before_anything_happens(bench: Bench) -> None:
    samples = bench.scrape()
    bench.metrics.prepare()
    samples = bench.scrape()
    assert value_of(samples, "errors_total", error_type="file_too_large", endpoint="/upload") == 0
    preset = {name for metric in CONTRACT if metric.preset for name in metric.sample_names}
    assert preset <= names_of(samples)
    assert {value for (name, _), value in samples.items() if name in preset} == {0.0}


def test_whatever_an_event_says_its_labels_stay_in_the_contract(bench: Bench, event: Make) -> None:
    for number in range(300):
        bench.metrics.record(
            event(
                f"made:up{number}",
                status="failed",
                error_type=f"error{number}",
                endpoint=f"/path/{number}",
            )
        )
        bench.metrics.record(
            event("file:upload", file_type=f"x/{number}", ip_address=f"10.0.{number // 256}.{number % 256}")
        )
    samples = bench.scrape()
    assert value_of(samples, "operations_total", action="other", status="failed") == 300
    assert value_of(samples, "errors_total", error_type="other", endpoint="other") == 300
    addresses = {dict(labels)["client_ip"] for name, labels in samples if name == "file_uploads_total"}
    assert len(addresses) == MAX_CLIENTS + 1
    overflow = {"status": "success", "file_type": "other", "client_ip": "other"}
    assert value_of(samples, "file_uploads_total", **overflow) == 300 - MAX_CLIENTS


def test_a_successor_counts_on_and_keeps_the_addresses(bench: Bench, event: Make) -> None:
    for number in range(MAX_CLIENTS):
        bench.metrics.record(event("file:upload", file_type="text/plain", ip_address=f"10.1.0.{number}"))
    successor = bench.again()
    successor.metrics.record(event("file:upload", file_type="text/plain", ip_address="10.1.0.3"))
    successor.metrics.record(event("file:upload", file_type="text/plain", ip_address="10.2.0.1"))
    samples = successor.scrape()
    labels = {"status": "success", "file_type": "text/plain"}
    assert value_of(samples, "file_uploads_total", client_ip="10.1.0.3", **labels) == 2
    assert value_of(samples, "file_uploads_total", client_ip="other", **labels) == 1
    assert total_of(samples, "file_uploads_total", status="success") == MAX_CLIENTS + 2


def test_two_live_processes_add_up_and_a_dead_ones_gauges_end(tmp_path: Path, event: Make) -> None:
    first, second = bench_in(tmp_path), bench_in(tmp_path)
    for bench in (first, second):
        bench.metrics.record(event("file:upload"))
        bench.metrics.set("active_connections", 3)
    assert value_of(first.scrape(), "active_connections") == 6
    successor = second.again()
    successor.metrics.set("active_connections", 1)
    samples = successor.scrape()
    assert value_of(samples, "active_connections") == 4
    assert total_of(samples, "file_uploads_total") == 2


def test_a_forked_child_counts_in_a_slot_of_its_own(bench: Bench, event: Make) -> None:
    bench.metrics.record(event("file:upload"))
    child = os.fork()
    if child == 0:
        bench.metrics.record(event("file:upload"))
        os._exit(0 if bench.slots.held() == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    bench.metrics.record(event("file:upload"))
    assert total_of(bench.scrape(), "file_uploads_total") == 3
    assert (bench.directory / "counter_1.db").exists()

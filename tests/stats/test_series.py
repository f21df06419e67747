"""`GET /api/v1/stats/series`: each step's values are a recount of the audit log, sealed or not."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from filewallball.clock import now_us, parse_moment, rfc3339
from filewallball.recording.event import Event
from filewallball.stats.calendar import HOUR_US
from filewallball.stats.series import NAMES, OF_ALL
from harness.parts import Parts, put_on_record
from tests.stats.conftest import Record, chance_event

URL = "/api/v1/stats/series"
_DAY_US = 24 * HOUR_US


def ask(of: FlaskClient, names: str, **query: Any) -> dict[str, Any]:
    answer = of.get(URL, query_string={"series": names, **query})
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def test_each_step_is_a_recount_of_its_rows_whatever_is_sealed(
    client: FlaskClient, parts: Parts, rounds: Callable[[int, int], int]
) -> None:
    chance, now = random.Random(11), now_us()
    events = [chance_event(chance, now, 20 * _DAY_US) for _ in range(rounds(200, 2000))]
    third = len(events) // 3
    for sealed in (events[:third], events[third : 2 * third]):
        put_on_record(parts, sealed)
        parts.sealer.run()
    put_on_record(parts, events[2 * third :])

    for step, hours in (("1h", 1), ("6h", 6), ("24h", 24), ("7d", 168)):
        window = {"from": rfc3339(now - 19 * _DAY_US), "to": rfc3339(now), "step": step}
        answer = ask(client, ",".join(_RECOUNTED), **window)
        first = parse_moment(answer["from"])
        starts = list(range(first, parse_moment(answer["to"]), hours * HOUR_US))
        for name, (matches, size) in _RECOUNTED.items():
            wanted = Counter[int]()
            for event in events:
                if event.timestamp_us >= first and matches(event):
                    wanted[(event.timestamp_us - first) // (hours * HOUR_US)] += size(event)
            points = answer["series"][name]
            assert [parse_moment(point["start"]) for point in points] == starts
            assert [point["value"] for point in points] == [wanted[place] for place in range(len(starts))]


def _is_upload(event: Event, status: str) -> bool:
    return (event.action, event.status) == ("file:upload", status)


def _is_fetch(event: Event) -> bool:
    return event.action in ("file:download", "file:view") and event.status == "success"


def _number(event: Event) -> int:
    return event.count


def _size(event: Event) -> int:
    return event.file_size


_RECOUNTED: dict[str, tuple[Callable[[Event], bool], Callable[[Event], int]]] = {
    "uploads": (lambda event: _is_upload(event, "success"), _number),
    "failures": (lambda event: _is_upload(event, "failed"), _number),
    "denied": (lambda event: event.status == "denied", _number),
    "downloads": (_is_fetch, _number),
    "received": (lambda event: _is_upload(event, "success"), _size),
    "sent": (_is_fetch, _size),
}


def test_one_client_has_steps_of_days(client: FlaskClient, record: Record, parts: Parts) -> None:
    now = now_us()
    for age, count in ((0, 2), (1, 3), (3, 4)):
        record(count, ip_address="2001:db8::1", timestamp_us=now - age * _DAY_US, duration_us=2_000_000)
        record(5, ip_address="192.0.2.9", timestamp_us=now - age * _DAY_US)
        parts.sealer.run()
    window = {"from": rfc3339(now - 3 * _DAY_US), "to": rfc3339(now), "client": "2001:DB8:0::1"}

    answer = ask(client, "uploads,duration", **window)

    assert (answer["step"], answer["client"]) == (86400, "2001:db8::1")
    assert [point["value"] for point in answer["series"]["uploads"]] == [4, 0, 3, 2]
    assert [point["value"] for point in answer["series"]["duration"]] == [2.0, None, 2.0, 2.0]
    assert answer["series"]["duration"][0]["p95"] is None


def test_stored_bytes_are_those_that_were_kept_at_the_end_of_each_step(
    client: FlaskClient, record: Record, parts: Parts
) -> None:
    now = now_us()
    for age, action, size in ((5, "file:upload", 100), (3, "file:upload", 50), (2, "file:delete", 100)):
        record(action=action, file_size=size, timestamp_us=now - age * _DAY_US)
    parts.sealer.run()
    record(file_size=7, timestamp_us=now)
    window = {"from": rfc3339(now - 4 * _DAY_US), "step": "1d"}

    answer = ask(client, "bytes", **window, to=rfc3339(now))
    past = ask(client, "bytes", **window, to=rfc3339(now - 3 * _DAY_US))

    assert [point["value"] for point in answer["series"]["bytes"]] == [100, 150, 50, 50, 57]
    assert [point["value"] for point in past["series"]["bytes"]] == [100, 150]
    assert set(answer["capacity"]) == {"growth_per_day_7_days", "growth_per_day_30_days", "days_until_full"}


def test_durations_and_error_rates(client: FlaskClient, record: Record) -> None:
    record(9, duration_us=1_000_000)
    record(1, duration_us=9_000_000, status="failed", error_type="network_error")

    answer = ask(client, "duration,errors")["series"]

    (point,) = [point for point in answer["duration"] if point["value"] is not None]
    assert point["value"] == pytest.approx(1.8, rel=0.02)
    assert (point["p50"], point["p99"]) == (pytest.approx(1, rel=0.02), pytest.approx(9, rel=0.02))
    (rate,) = [point for point in answer["errors"] if point["failed"]]
    assert rate["value"] == pytest.approx(100 * rate["failed"] / rate["total"], abs=0.1)


def test_without_a_window_it_is_the_last_day_by_hours(client: FlaskClient) -> None:
    answer = ask(client, ",".join(NAMES))

    assert answer["step"] == 3600
    assert {len(points) for points in answer["series"].values()} == {25}
    assert set(answer["series"]) == set(NAMES)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"series": "beauty"}, "series"),
        ({"series": "uploads,uploads"}, "series"),
        ({"series": ""}, "series"),
        ({"series": "bytes", "client": "192.0.2.1"}, "series"),
        ({"client": "somebody"}, "client"),
        ({"step": "90s"}, "step"),
        ({"step": "367d"}, "step"),
        ({"step": "1h", "client": "192.0.2.1"}, "step"),
        ({"step": "1h", "from": "2024-01-01", "to": "2024-02-01"}, "step"),
        ({"from": "2024-01-02", "to": "2024-01-01"}, "to"),
        ({"from": "2020-01-01"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "from"),
        ({"to": "9999-12-31T23:59:59Z"}, "to"),
        ({"nothing": "1"}, "nothing"),
    ],
)
def test_what_cannot_be_drawn_is_refused(client: FlaskClient, query: dict[str, str], field: str) -> None:
    answer = client.get(URL, query_string=query)

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]


@pytest.mark.parametrize(
    "query", [{"from": "1970-01-01", "to": "1970-01-02"}, {"to": "8999-12-31T23:59:59Z"}]
)
def test_any_time_can_be_asked_for(client: FlaskClient, query: dict[str, str]) -> None:
    assert client.get(URL, query_string=query).status_code == 200


def test_no_answer_has_more_than_500_points(client: FlaskClient) -> None:
    now = now_us()
    for hours in (1, 25, 200, 201, 500, 24 * 60, 24 * 365):
        answer = ask(client, "uploads", **{"from": rfc3339(now - hours * HOUR_US)})
        assert 1 <= len(answer["series"]["uploads"]) <= 201
    assert (
        client.get(URL, query_string={"step": "1h", "from": rfc3339(now - 501 * HOUR_US)}).status_code == 422
    )


def test_the_series_of_the_whole_service_exist() -> None:
    assert set(NAMES) >= OF_ALL

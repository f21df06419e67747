"""How long the client waits before another try."""

from email.utils import formatdate

import httpx
import pytest

from filewallball_client.retries import Patience, retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_not_at_all(value: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(503, headers={"Retry-After": value})) == seconds


def test_retry_after_may_be_a_date() -> None:
    assert retry_after(httpx.Response(503, headers={"Retry-After": formatdate(0, usegmt=True)})) == 0.0
    later = retry_after(httpx.Response(503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}))
    assert later is not None
    assert later > 1e9


def test_patience_ends_at_once_where_the_service_asks_for_more_than_is_left() -> None:
    told: list[float] = []

    assert not Patience(60).wait(3600, told.append)
    assert told == []


def test_a_service_that_asks_for_no_pause_is_not_asked_without_one() -> None:
    told: list[float] = []

    assert Patience(60).wait(0, told.append)
    assert told[0] > 0

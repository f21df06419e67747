"""Preconditions and ranges as RFC 9110 has them, hostile ones included."""

import hashlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import http_date

from filewallball.errors import PreconditionFailed, RangeNotSatisfiable
from filewallball.files.conditions import Version, is_unmodified, requested_range, require_version

TAG = hashlib.sha256(b"").hexdigest()
MODIFIED = 1_700_000_000
VERSION = Version(TAG, MODIFIED, size=100)
AT, BEFORE, AFTER = (http_date(MODIFIED + seconds) for seconds in (0, -1, 1))
OVERFLOWING = ["Mon, 01 Jan 2024 00:00:00 +9999999999999", "Mon, 01 Jan 99999999999 00:00:00 GMT"]


def environ(**headers: str) -> dict[str, str]:
    return {f"HTTP_{name.upper()}": value for name, value in headers.items()}


def cut(content: bytes, value: str) -> bytes | None:
    span = requested_range({"HTTP_RANGE": value}, Version(TAG, MODIFIED, len(content)))
    return None if span is None else content[span[0] : span[1]]


@given(content=st.binary(min_size=1, max_size=60), first=st.integers(0, 70), last=st.integers(0, 70))
def test_a_closed_range_is_the_same_slice_of_the_bytes(content: bytes, first: int, last: int) -> None:
    value = f"bytes={first}-{last}"
    if last < first:
        assert cut(content, value) is None
    elif first >= len(content):
        with pytest.raises(RangeNotSatisfiable) as caught:
            cut(content, value)
        assert caught.value.headers["Content-Range"] == f"bytes */{len(content)}"
    else:
        assert cut(content, value) == content[first : last + 1]


@given(content=st.binary(min_size=1, max_size=60), first=st.integers(0, 70))
def test_an_open_range_is_the_rest(content: bytes, first: int) -> None:
    if first >= len(content):
        with pytest.raises(RangeNotSatisfiable):
            cut(content, f"bytes={first}-")
    else:
        assert cut(content, f"bytes={first}-") == content[first:]


@given(content=st.binary(min_size=1, max_size=60), length=st.integers(1, 10**30))
def test_a_suffix_is_the_end_and_at_most_everything(content: bytes, length: int) -> None:
    assert cut(content, f"bytes=-{length}") == content[-length if length <= sys.maxsize else 0 :]


@given(value=st.one_of(st.text(max_size=120), st.from_regex(r"bytes=[-0-9, ]{0,40}", fullmatch=True)))
def test_whatever_stands_there_the_answer_is_a_span_inside_or_a_refusal(value: str) -> None:
    try:
        span = requested_range({"HTTP_RANGE": value}, VERSION)
    except RangeNotSatisfiable:
        return
    assert span is None or 0 <= span[0] < span[1] <= 100


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=abc",
        "bytes=5-2",
        "bytes=--5",
        "bytes=1-2-3",
        "bytes=+1-2",
        "bytes=1.5-2",
        "bytes=0x1-0x2",
        "lines=0-5",
        "bytes=0-1,3-4",
        "bytes=0-1,",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 20_000, 2)),
        "bytes=" + "0-," * 10_000,
        "bytes=0-" + "9" * 100_000,
        "bytes=-" + "9" * 100_000,
    ],
    ids=lambda value: value[:20],
)
def test_malformed_foreign_and_several_ranges_are_passed_over(value: str) -> None:
    assert requested_range({"HTTP_RANGE": value}, VERSION) is None


@pytest.mark.parametrize("value", ["bytes=-0", "bytes=-000", "BYTES=-0", "bytes= -0 ", "bytes = -0"])
@pytest.mark.parametrize("size", [0, 100])
def test_the_last_zero_bytes_lie_outside_every_file(value: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        requested_range({"HTTP_RANGE": value}, Version(TAG, MODIFIED, size))

    assert caught.value.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize("headers", [{"range": "bytes=-0", "if_range": '"other"'}, {"range": "lines=-0"}])
def test_the_last_zero_bytes_of_another_version_or_unit_are_passed_over(headers: dict[str, str]) -> None:
    assert requested_range(environ(**headers), VERSION) is None


def test_no_range_is_the_whole_file() -> None:
    assert requested_range({}, VERSION) is None


def test_an_empty_file_has_no_first_byte_but_may_give_its_last_ones() -> None:
    with pytest.raises(RangeNotSatisfiable):
        cut(b"", "bytes=0-")
    assert cut(b"", "bytes=-5") is None


@pytest.mark.parametrize(
    ("if_range", "honoured"),
    [
        (f'"{TAG}"', True),
        (f'W/"{TAG}"', False),
        (f' w/"{TAG}"', False),
        ('"other"', False),
        (AT, True),
        (BEFORE, False),
        (AFTER, False),
        ("nonsense", False),
        ("", False),
        ("*", False),
        *((date, False) for date in OVERFLOWING),
    ],
)
def test_a_part_is_sent_only_beside_the_same_version(if_range: str, honoured: bool) -> None:
    span = requested_range(environ(range="bytes=1-2", if_range=if_range), VERSION)

    assert span == ((1, 3) if honoured else None)


def test_a_range_behind_the_end_of_another_version_is_no_error() -> None:
    assert requested_range(environ(range="bytes=500-", if_range='"other"'), VERSION) is None


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({}, False),
        ({"if_none_match": f'"{TAG}"'}, True),
        ({"if_none_match": f'W/"{TAG}"'}, True),
        ({"if_none_match": f'"other", W/"more", "{TAG}"'}, True),
        ({"if_none_match": "*"}, True),
        ({"if_none_match": '"other"'}, False),
        ({"if_none_match": ""}, False),
        ({"if_none_match": ',"' * 4000}, False),
        ({"if_modified_since": AT}, True),
        ({"if_modified_since": AFTER}, True),
        ({"if_modified_since": BEFORE}, False),
        ({"if_modified_since": "nonsense"}, False),
        ({"if_none_match": '"other"', "if_modified_since": AT}, False),
        ({"if_none_match": f'"{TAG}"', "if_modified_since": BEFORE}, True),
        *(({"if_modified_since": date}, False) for date in OVERFLOWING),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_the_client_has_is_not_sent_again(headers: dict[str, str], known: bool) -> None:
    assert is_unmodified(environ(**headers), VERSION) is known


@pytest.mark.parametrize(
    ("headers", "met"),
    [
        ({}, True),
        ({"if_match": f'"{TAG}"'}, True),
        ({"if_match": f'"other", "{TAG}"'}, True),
        ({"if_match": "*"}, True),
        ({"if_match": f'W/"{TAG}"'}, False),
        ({"if_match": '"other"'}, False),
        ({"if_match": ""}, False),
        ({"if_unmodified_since": AT}, True),
        ({"if_unmodified_since": BEFORE}, False),
        ({"if_unmodified_since": "nonsense"}, True),
        ({"if_match": f'"{TAG}"', "if_unmodified_since": BEFORE}, True),
    ],
    ids=lambda value: str(value)[:60],
)
def test_another_version_than_the_one_asked_for_is_refused(headers: dict[str, str], met: bool) -> None:
    if met:
        require_version(environ(**headers), VERSION)
    else:
        with pytest.raises(PreconditionFailed):
            require_version(environ(**headers), VERSION)

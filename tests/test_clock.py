"""Times are read at a cost that no text raises, and what is old is removed once it was old for an hour."""

from collections.abc import Callable

import pytest

from filewallball.clock import once_watched, parse_moment

HOUR = 3600
NOW, YEAR_2100 = 1_800_000_000, 4_100_000_000


class Host:
    """A host whose two clocks a test sets."""

    def __init__(self) -> None:
        self.steady, self.wall = 10.0, NOW

    def pass_time(self, seconds: int) -> None:
        self.steady += seconds
        self.wall += seconds


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def told() -> list[int]:
    """The moments that the job was given."""
    return []


@pytest.fixture
def job(host: Host, told: list[int]) -> Callable[[], None]:
    """A job as one process has it."""
    return once_watched(told.append, lambda: host.steady, lambda: host.wall)


def test_a_process_removes_nothing_in_its_first_hour(
    host: Host, told: list[int], job: Callable[[], None]
) -> None:
    for _ in range(60):
        job()
        host.pass_time(59)
    assert told == []

    host.pass_time(60)
    job()
    host.pass_time(HOUR)
    job()

    assert told == [NOW, NOW + HOUR]


@pytest.mark.parametrize("begins_wrong", [True, False])
def test_a_clock_that_is_put_forward_and_right_again_removes_nothing(
    host: Host, told: list[int], job: Callable[[], None], begins_wrong: bool
) -> None:
    if not begins_wrong:
        for _ in range(3):
            job()
            host.pass_time(HOUR)
    right, host.wall = host.wall, YEAR_2100
    job()
    host.wall = right
    for _ in range(3):
        host.pass_time(HOUR)
        job()

    assert told
    assert max(told) <= host.wall


@pytest.mark.parametrize("piece", ["1:11", "1:11 ", "2024-01-15T10:30:00 ", "9", " "])
def test_a_text_of_any_length_is_refused_as_soon_as_it_is_read(piece: str) -> None:
    text = (piece * 1_000_000)[:1_000_000]

    with pytest.raises(ValueError, match="too long"):
        parse_moment(text)


def test_the_longest_time_that_anybody_writes_is_read() -> None:
    assert parse_moment("2024-01-15T10:30:00.123456789123456789 +09:00") == 1_705_282_200_123_456

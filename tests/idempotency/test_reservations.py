"""Reserving a key: one holder at a time, whoever dies, pauses or sets a clock."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, update

from filewallball import errors
from filewallball.clock import now_us
from filewallball.idempotency import expiry as expiry_module
from filewallball.idempotency.expiry import KeyExpiry
from filewallball.idempotency.in_use import KeysInUse
from filewallball.idempotency.keys import IdempotencyKey
from filewallball.idempotency.reservations import Outcome, Reservation, Reservations
from filewallball.idempotency.tables import DONE, RUNNING, idempotency_keys
from filewallball.recording.event import FAILED, SUCCESS, Event
from filewallball.registry import part
from harness.parts import Parts, put_on_record

KEY = IdempotencyKey("user:7", "a key")
HOUR = 3600.0
DAY_US = 24 * 3600 * 1_000_000


class Clock:
    """Steady seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys(app: Flask) -> Reservations:
    """The reservations of one process."""
    return Reservations(Parts(app).database)


@pytest.fixture
def others(app: Flask) -> Reservations:
    """The reservations of another process."""
    return Reservations(Parts(app).database)


def test_the_gauge_counts_the_keys_that_are_held(app: Flask, keys: Reservations) -> None:
    gauge, client = part(KeysInUse, app), app.test_client()
    with held(keys.reserve(KEY, "first")), held(keys.reserve(IdempotencyKey("user:7", "another"), "second")):
        gauge.refresh()
        assert "idempotency_keys_in_use 2" in client.get("/metrics").text

    gauge.refresh()

    assert "idempotency_keys_in_use 0" in client.get("/metrics").text


def held(found: Reservation | Outcome) -> Reservation:
    assert isinstance(found, Reservation)
    return found


def fulfil(app: Flask, reservation: Reservation, answer: bytes = b"{}") -> None:
    Parts(app).database.commit(lambda connection: reservation.fulfil(connection, "content", answer))


def count(app: Flask, state: str) -> int:
    statement = select(func.count()).where(idempotency_keys.c.state == state)
    return int(Parts(app).database.scalar(statement))


def watch(expiry: KeyExpiry, clock: Clock, seconds: float, each: Callable[[], object] = lambda: None) -> int:
    """Let so many seconds pass, looking every five; returns how many keys were freed."""
    freed = 0
    for _ in range(round(seconds / 5)):
        clock.now += 5
        each()
        freed += expiry.free_abandoned()
    return freed


def test_a_key_has_one_holder_until_it_is_done(app: Flask, keys: Reservations, others: Reservations) -> None:
    reservation = held(keys.reserve(KEY, "first"))
    with pytest.raises(errors.IdempotencyKeyInUse) as refused:
        others.reserve(KEY, "second")
    with reservation:
        fulfil(app, reservation, b"the answer")

    assert int(refused.value.headers["Retry-After"]) > 0
    assert others.reserve(KEY, "third") == Outcome("content", b"the answer")
    assert isinstance(others.reserve(IdempotencyKey("user:8", KEY.text), "fourth"), Reservation)


def test_a_refusal_frees_the_key(keys: Reservations, others: Reservations) -> None:
    for refusal in (errors.FileTooLarge, errors.NetworkError, errors.ScannerUnavailable, ConnectionError):
        with pytest.raises(refusal), held(keys.reserve(KEY, "first")):
            raise refusal

    assert isinstance(others.reserve(KEY, "second"), Reservation)


@pytest.mark.parametrize("failure", [errors.CommitUnknown, errors.Unavailable, SystemExit])
def test_a_failure_that_may_yet_take_effect_keeps_the_key_until_the_log_says_that_it_did_not(
    app: Flask, keys: Reservations, others: Reservations, failure: type[BaseException]
) -> None:
    with pytest.raises(failure), held(keys.reserve(KEY, "first")):
        raise failure
    with pytest.raises(errors.IdempotencyKeyInUse):
        others.reserve(KEY, "second")

    put_on_record(Parts(app), [Event("first", now_us(), "file:upload", status=FAILED)])

    assert isinstance(others.reserve(KEY, "second"), Reservation)


def test_a_success_on_record_does_not_give_the_key_away(app: Flask, keys: Reservations) -> None:
    keys.reserve(KEY, "first")
    put_on_record(Parts(app), [Event("first", now_us(), "file:upload", status=SUCCESS)])

    with pytest.raises(errors.IdempotencyKeyInUse):
        keys.reserve(KEY, "second")


def test_a_holder_that_was_taken_for_dead_cannot_create(
    app: Flask, keys: Reservations, others: Reservations
) -> None:
    slow, clock = held(keys.reserve(KEY, "slow")), Clock()
    assert watch(KeyExpiry(Parts(app).database, clock), clock, 60) == 1
    quick = held(others.reserve(KEY, "quick"))

    with pytest.raises(errors.IdempotencyKeyInUse), slow:
        fulfil(app, slow)
    with quick:
        fulfil(app, quick, b"quick")

    with pytest.raises(errors.IdempotencyKeyInUse):
        fulfil(app, slow)
    assert keys.reserve(KEY, "later") == Outcome("content", b"quick")


def test_a_client_that_paused_long_still_ends_if_nobody_took_its_key(app: Flask, keys: Reservations) -> None:
    slow, clock = held(keys.reserve(KEY, "slow")), Clock()
    assert watch(KeyExpiry(Parts(app).database, clock), clock, 60) == 1

    with slow:
        fulfil(app, slow, b"late")

    assert keys.reserve(KEY, "again") == Outcome("content", b"late")


def test_a_key_is_held_while_bytes_arrive_and_while_the_process_works(
    app: Flask, keys: Reservations, others: Reservations
) -> None:
    reservation, clock = held(keys.reserve(KEY, "first")), Clock()
    expiry = KeyExpiry(Parts(app).database, clock)

    def arrive() -> None:
        reservation.progress()
        keys.renew()

    assert watch(expiry, clock, 300, arrive) == 0
    reservation.at_work()
    assert watch(expiry, clock, 300, keys.renew) == 0
    with pytest.raises(errors.IdempotencyKeyInUse):
        others.reserve(KEY, "second")


def test_a_key_that_nobody_renews_is_free_within_a_minute(app: Flask, keys: Reservations) -> None:
    keys.reserve(KEY, "dead")
    clock = Clock()
    expiry = KeyExpiry(Parts(app).database, clock)
    expiry.free_abandoned()

    assert watch(expiry, clock, 35) == 0
    assert watch(expiry, clock, 15) == 1
    assert count(app, RUNNING) == 0


def test_a_database_that_was_away_counts_against_no_holder(app: Flask, keys: Reservations) -> None:
    reservation, clock = held(keys.reserve(KEY, "first")), Clock()
    expiry = KeyExpiry(Parts(app).database, clock)
    watch(expiry, clock, 20)

    clock.now += 300  # nobody could look, nor renew
    assert expiry.free_abandoned() == 0
    reservation.progress()
    keys.renew()
    assert watch(expiry, clock, 35) == 0


def test_of_many_at_once_one_gets_the_key(keys: Reservations) -> None:
    won: list[str] = []
    refused: list[str] = []
    together = threading.Barrier(20)

    def ask(holder: str) -> None:
        together.wait()
        try:
            won.append(held(keys.reserve(KEY, holder)).holder)
        except errors.IdempotencyKeyInUse:
            refused.append(holder)

    threads = [threading.Thread(target=ask, args=(f"holder-{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(refused)) == (1, 19)


def put_outcomes(app: Flask, ages_us: list[int]) -> None:
    rows = [
        {
            "principal": f"user:{number}",
            "key_digest": "d",
            "state": DONE,
            "holder": "h",
            "beat": 0,
            "content_digest": "c",
            "answer": b"",
            "done_us": now_us() - age_us,
        }
        for number, age_us in enumerate(ages_us)
    ]
    with Parts(app).database.begin() as connection:
        connection.execute(insert(idempotency_keys), rows)


def test_outcomes_are_forgotten_after_a_day_in_batches(
    app: Flask, keys: Reservations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry_module, "_BATCH", 3)
    keys.reserve(KEY, "running")
    put_outcomes(app, [DAY_US + 60_000_000] * 7 + [DAY_US - 60_000_000] * 2)
    clock = Clock()
    expiry = KeyExpiry(Parts(app).database, clock)

    assert expiry.forget_old() == 0  # it has not watched the clock for long enough
    clock.now += HOUR
    forgotten = [expiry.forget_old() for _ in range(4)]

    assert forgotten == [3, 3, 1, 0]
    assert (count(app, DONE), count(app, RUNNING)) == (2, 1)


def test_a_clock_that_is_put_forward_forgets_nothing_for_an_hour(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_outcomes(app, [60_000_000])
    clock = Clock()
    expiry = KeyExpiry(Parts(app).database, clock)
    for _ in range(100):
        clock.now += 60
        expiry.forget_old()

    monkeypatch.setattr(expiry_module, "now_us", lambda: now_us() + 2 * DAY_US)
    for _ in range(59):
        clock.now += 60
        assert expiry.forget_old() == 0
    monkeypatch.undo()
    clock.now += 60
    assert expiry.forget_old() == 0
    assert count(app, DONE) == 1


def test_an_answer_that_was_changed_in_the_database_is_not_given(app: Flask, keys: Reservations) -> None:
    with held(keys.reserve(KEY, "first")) as reservation:
        fulfil(app, reservation)
    with Parts(app).database.begin() as connection:
        connection.execute(update(idempotency_keys).values(answer=b"something else"))

    with pytest.raises(errors.InternalError):
        keys.reserve(KEY, "second")

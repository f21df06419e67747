"""Moments that were noted before the clock was set back: nothing waits until the clock has caught up with them."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from filewallball.access.last_use import LastUse
from filewallball.audit.report import save
from filewallball.clock import now_us
from filewallball.files.scrub import Scrub
from filewallball.files.tables import blobs
from filewallball.recording.caller import SYSTEM
from filewallball.registry import part
from filewallball.stats.tables import usage_state
from filewallball.storage.cache import DiskCache
from harness.parts import Parts, put_on_record
from tests.fixtures.audit_log import make_event

HOUR_US = 3_600_000_000


@pytest.fixture
def parts(app: Flask) -> Parts:
    """The app's parts."""
    return Parts(app)


def test_a_verification_of_the_future_is_done_again(parts: Parts) -> None:
    report = parts.verification.run(SYSTEM)
    future = replace(report, finished_us=now_us() + HOUR_US)
    save(parts.settings.data_dir / "audit-verified.json", future)

    parts.verification.run_if_due(SYSTEM)

    last = parts.verification.last()
    assert last is not None
    assert last.report.finished_us <= now_us()


def test_a_blob_verified_in_the_future_is_read_again(parts: Parts, client: FlaskClient) -> None:
    client.put("/upload/a.txt", data=b"content")
    with parts.database.begin() as connection:
        connection.execute(update(blobs).values(verified_us=now_us() + HOUR_US))

    part(Scrub, parts.app).run_slice(HOUR_US, 1_000_000)

    assert parts.database.scalar(select(blobs.c.verified_us)) <= now_us()


def test_a_use_before_the_last_one_is_noted(parts: Parts) -> None:
    uses = LastUse()

    for moment in (10 * HOUR_US, 9 * HOUR_US, 9 * HOUR_US + 1):
        uses.note(1, moment)

    assert uses.take() == {1: 9 * HOUR_US}


def test_a_failure_of_the_future_is_forgotten(tmp_path: Path) -> None:
    cache, source = DiskCache(tmp_path), "0" * 64
    cache.note_failure(source)
    assert cache.has_failed(source, 60)
    (marker,) = tmp_path.glob("*/*/*/*")

    os.utime(marker, (now_us() / 1e6 + 3600,) * 2)

    assert not cache.has_failed(source, 60)


def test_an_hour_of_the_future_is_not_the_newest_for_good(parts: Parts) -> None:
    future = now_us() // HOUR_US + 1000
    with parts.database.begin() as connection:
        connection.execute(update(usage_state).values(newest_hour=future))

    put_on_record(parts, [make_event()])
    parts.sealer.run()

    assert parts.database.scalar(select(usage_state.c.newest_hour)) <= now_us() // HOUR_US

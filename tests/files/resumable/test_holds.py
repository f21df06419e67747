"""What is done about an upload beside the request that holds it."""

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.access import Quotas
from filewallball.files.resumable.holds import Holds
from filewallball.files.resumable.progress import Progress, Upload
from filewallball.files.resumable.tables import uploads
from harness.parts import Parts
from harness.waiting import wait_until
from tests.files.resumable.in_process import begin, change
from tests.files.resumable.tus import upload_id_of


@pytest.fixture
def progress(app: Flask) -> Progress:
    """The rows of uploads."""
    parts = Parts(app)
    return Progress(parts.database, Quotas(parts.settings, parts.database))


@pytest.fixture
def upload(client: FlaskClient, progress: Progress) -> Upload:
    """An upload that has just begun."""
    found = progress.find(upload_id_of(begin(client, 6)))
    assert found is not None
    return found


def test_an_upload_whose_end_takes_long_does_not_expire_meanwhile(
    app: Flask, progress: Progress, upload: Upload
) -> None:
    with Holds(progress).take(upload, lambda: None) as hold:
        hold.noted = 0.0  # long ago
        hold.is_ending = True
        change(app, uploads, active_us=0)

        wait_until(lambda: not progress.due(idle_us=60_000_000, whole_us=10**15, most=1), what="it is kept")


def test_a_request_that_has_ended_is_not_stopped_any_more(progress: Progress, upload: Upload) -> None:
    holds, stopped = Holds(progress), list[int]()
    for number in range(5):
        with holds.take(upload, lambda number=number: stopped.append(number)) as hold:  # type: ignore[misc]
            progress.release(hold.upload, begins_segment=False)

    taken, awake = progress.claim(_now(progress, upload), by_force=False), threading.Event()
    assert taken is not None
    progress.release(taken, begins_segment=False)
    with holds.take(_now(progress, upload), awake.set) as hold:
        progress.ask(hold.upload)
        assert awake.wait(60), "the holds of a moment ago have been looked at"
    assert stopped == []


def _now(progress: Progress, upload: Upload) -> Upload:
    found = progress.find(upload.upload_id)
    assert found is not None
    return found

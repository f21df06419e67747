"""The digest of an upload: whoever goes on takes it up where the last one left it, and never one that does not fit."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from filewallball.files.resumable.tables import uploads
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN
from tests.files.resumable.in_process import VERSION, begin, change, head, patch, segments

DATA = bytes(range(256)) * 11
HALF = len(DATA) // 2
OTHER = b"\0" * HALF


def _shown(client: FlaskClient, url: str) -> str:
    """The digest that the service has of the file of an upload."""
    file_id = head(client, url).headers["X-File-Id"]
    return str(client.head(f"/download/{file_id}").headers["ETag"]).strip('"')


def _spoil(app: Flask) -> None:
    """Change what the segment holds, so that reading it would give another digest."""
    (segment,) = segments(app)
    segment.write_bytes(OTHER)


def test_another_process_need_not_read_what_the_first_received(
    app: Flask, set_config: Callable[..., Flask]
) -> None:
    first, second = app.test_client(), set_config().test_client()
    url = begin(first, len(DATA))
    patch(first, url, 0, DATA[: HALF - 100])
    patch(second, url, HALF - 100, DATA[HALF - 100 : HALF])
    _spoil(app)

    patch(first, url, HALF, DATA[HALF:])

    assert _shown(first, url) == sha256(DATA).hexdigest()
    assert Parts(app).database.scalar(select(uploads.c.digest)) == ""  # it may hold bytes of the file


def test_a_part_that_is_dropped_leaves_the_digest_as_it_was(app: Flask, client: FlaskClient) -> None:
    url = begin(client, len(DATA))
    patch(client, url, 0, DATA[:HALF])
    wrong = {**VERSION, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(HALF)}
    answer = client.patch(url, data=b"x" * 99, headers={**wrong, "Upload-Checksum": "sha1 " + "A" * 27 + "="})
    assert answer.status_code == 460
    _spoil(app)

    patch(client, url, HALF, DATA[HALF:])

    assert _shown(client, url) == sha256(DATA).hexdigest()


@pytest.mark.parametrize("kept", ["", "no digest", "0" * 232])
def test_the_bytes_are_read_where_the_digest_is_not_known(app: Flask, client: FlaskClient, kept: str) -> None:
    url = begin(client, len(DATA))
    patch(client, url, 0, DATA[:HALF])
    change(app, uploads, digest=kept)

    patch(client, url, HALF, DATA[HALF:])

    assert _shown(client, url) == sha256(DATA).hexdigest()


def test_a_digest_that_another_version_of_the_library_left_is_not_taken(
    app: Flask, client: FlaskClient
) -> None:
    url = begin(client, len(DATA))
    patch(client, url, 0, DATA[:HALF])
    kept = str(Parts(app).database.scalar(select(uploads.c.digest)))
    change(app, uploads, digest=f"{'0' * 8}{'f' * 8}{kept[16:]}")

    patch(client, url, HALF, DATA[HALF:])

    assert _shown(client, url) == sha256(DATA).hexdigest()


def test_a_digest_of_fewer_bytes_than_count_is_not_taken(app: Flask, client: FlaskClient) -> None:
    """A process of the version before notes bytes without a digest."""
    url = begin(client, len(DATA))
    patch(client, url, 0, DATA[: HALF - 7])
    (segment,) = segments(app)
    with segment.open("ab") as file:
        file.write(DATA[HALF - 7 : HALF])
    change(app, uploads, received=HALF)

    patch(client, url, HALF, DATA[HALF:])

    assert _shown(client, url) == sha256(DATA).hexdigest()


def test_an_upload_that_goes_on_after_a_break_is_counted(client: FlaskClient) -> None:
    url = begin(client, len(DATA))
    headers = {**VERSION, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    more = {"CONTENT_LENGTH": str(len(DATA))}
    broken = client.patch(url, data=DATA[:HALF], headers=headers, environ_overrides=more)
    assert broken.status_code == 400

    patch(client, url, HALF, DATA[HALF:])

    metrics = client.get("/metrics", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}).text
    assert "\nresumable_uploads_resumed_total 1.0\n" in metrics


@pytest.mark.parametrize("number", [8, 26, 27])
def test_a_state_that_no_hash_can_have_is_not_taken(app: Flask, client: FlaskClient, number: int) -> None:
    """With such a length of a block OpenSSL would write somewhere else in the process."""
    url = begin(client, len(DATA))
    patch(client, url, 0, DATA[:HALF])
    kept = str(Parts(app).database.scalar(select(uploads.c.digest)))
    start = 8 + 8 * number  # behind the version, eight digits for each number
    change(app, uploads, digest=f"{kept[:start]}ffff0000{kept[start + 8 :]}")

    patch(client, url, HALF, DATA[HALF:])

    assert _shown(client, url) == sha256(DATA).hexdigest()


def test_a_state_that_is_no_number_is_not_taken(app: Flask, client: FlaskClient) -> None:
    url = begin(client, len(DATA))
    patch(client, url, 0, DATA[:HALF])
    kept = str(Parts(app).database.scalar(select(uploads.c.digest)))
    change(app, uploads, digest=f"{kept[:-2]}zz")

    patch(client, url, HALF, DATA[HALF:])

    assert _shown(client, url) == sha256(DATA).hexdigest()

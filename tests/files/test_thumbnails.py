"""Thumbnails: small, upright, without metadata; and nothing that an image holds can hurt the service."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from filewallball.files.tables import blobs
from filewallball.files.thumbnails import _PROGRAM
from filewallball.storage.cache import DiskCache, Entry
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN
from tests.files.images import (
    BLUE,
    RED,
    display_p3,
    gif_bomb,
    image,
    opened,
    png_bomb,
    turned_photo,
)


@pytest.fixture
def database_url(prepared_sqlite: Path, tmp_path: Path) -> str:
    """SQLite alone: no thumbnail depends on the kind of database."""
    path = tmp_path / "filewallball.db"
    shutil.copyfile(prepared_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Bombs are let in, to meet the thumbnailer."""
    return {**environ, "SUSPICIOUS_UPLOADS": "flag"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_each_format_becomes_a_small_picture_of_the_same_shape(client: FlaskClient, kind: str) -> None:
    uploaded = _upload(client, image(kind))

    answer = client.get(uploaded["thumbnail_url"], query_string={"size": 128})

    picture = opened(answer.data)
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    assert picture.size == (128, 64)
    assert _near(picture, (10, 32), RED)
    assert _near(picture, (118, 32), BLUE)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("size", [64, 65, 100, 129, 300, 800, 1000, 1024])
def test_every_size_is_the_longest_side_in_pixels(client: FlaskClient, size: int) -> None:
    uploaded = _upload(client, image("PNG", (1600, 800)))

    answer = client.get(uploaded["thumbnail_url"], query_string={"size": size})

    assert max(opened(answer.data).size) == size


def test_smaller_ones_are_made_of_a_larger_one_without_the_original(client: FlaskClient, app: Flask) -> None:
    uploaded = _upload(client, image("PNG", (1600, 800)))
    client.get(uploaded["thumbnail_url"], query_string={"size": 1024})
    for blob in Parts(app).store.blobs_root.rglob("*"):
        if blob.is_file():
            blob.unlink()

    answers = [client.get(uploaded["thumbnail_url"], query_string={"size": size}) for size in (700, 256, 64)]

    assert [opened(answer.data).size for answer in answers] == [(700, 350), (256, 128), (64, 32)]


def test_whoever_asks_for_a_thumbnail_that_is_being_made_is_told_to_come_again(
    client: FlaskClient, app: Flask
) -> None:
    uploaded, others = _upload(client, image("JPEG")), _upload(client, image("PNG"))
    content = SimpleNamespace(sha256=uploaded["file_hash"])
    with Parts(app).thumbnails._place_to_build(content, 256):  # type: ignore[arg-type]
        refused = client.get(uploaded["thumbnail_url"], query_string={"size": 200})
        other = client.get(others["thumbnail_url"], query_string={"size": 200})
    again = client.get(uploaded["thumbnail_url"], query_string={"size": 200})

    assert (refused.status_code, refused.get_json()["code"]) == (503, "thumbnail_busy")
    assert refused.headers["Retry-After"] == "1"
    assert (other.status_code, again.status_code) == (200, 200)


def test_beyond_its_places_the_service_makes_no_thumbnail(set_config: Callable[..., Flask]) -> None:
    app = set_config(THREADS="4")
    client = app.test_client()
    uploaded = _upload(client, image("JPEG"))
    with Parts(app).thumbnails._place_to_build(SimpleNamespace(sha256="0" * 64), 256):  # type: ignore[arg-type]
        refused = client.get(uploaded["thumbnail_url"])

    assert (refused.status_code, refused.get_json()["code"]) == (503, "thumbnail_busy")


@pytest.mark.parametrize("options", [{}, {"icc_profile": display_p3()}])
def test_a_photo_is_turned_upright_and_loses_its_metadata(
    client: FlaskClient, options: dict[str, Any]
) -> None:
    uploaded = _upload(client, turned_photo(**options))

    answer = client.get(uploaded["thumbnail_url"], query_string={"size": 64})

    picture = opened(answer.data)
    assert picture.size == (32, 64)
    assert _near(picture, (16, 4), RED)
    assert not picture.getexif()
    assert b"Secret" not in answer.data
    assert b"secret" not in answer.data


def test_a_small_image_is_not_made_larger(client: FlaskClient) -> None:
    uploaded = _upload(client, image("PNG", (40, 20)))

    assert opened(client.get(uploaded["thumbnail_url"]).data).size == (40, 20)


def test_the_second_request_is_answered_from_the_disk_and_a_damaged_copy_is_made_anew(
    client: FlaskClient, app: Flask
) -> None:
    uploaded = _upload(client, image("JPEG"))
    first = client.get(uploaded["thumbnail_url"])
    second = client.get(uploaded["thumbnail_url"])
    [cached] = _cached(app)
    cached.write_bytes(b"x" + cached.read_bytes()[1:])

    third = client.get(uploaded["thumbnail_url"])

    assert first.data == second.data == third.data
    assert [row["details"]["cached"] for row in _log(client, "file:thumbnail")] == [False, True, False]
    assert (
        client.get(uploaded["thumbnail_url"], headers={"If-None-Match": first.headers["ETag"]}).status_code
        == 304
    )


@pytest.mark.parametrize("size", ["63", "1025", "0", "-1", "many"])
def test_a_size_out_of_bounds_is_refused(client: FlaskClient, size: str) -> None:
    uploaded = _upload(client, image("PNG", (64, 64)))

    answer = client.get(uploaded["thumbnail_url"], query_string={"size": size})

    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: png_bomb(20_000), id="bomb"),
        pytest.param(lambda: gif_bomb(frames=30_000, side=100), id="bomb of frames"),
        pytest.param(lambda: image("JPEG")[:2000], id="cut JPEG"),
        pytest.param(lambda: image("PNG")[:500], id="cut PNG"),
        pytest.param(lambda: b"\x89PNG\r\n\x1a\n" + b"\xff" * 500, id="PNG of noise"),
        pytest.param(lambda: b"GIF89a" + b"\xff" * 500, id="GIF of noise"),
        pytest.param(lambda: b"RIFF\x00\x01\x00\x00WEBPVP8L" + b"\xff" * 500, id="WebP of noise"),
        pytest.param(lambda: b"plain text", id="text"),
        pytest.param(lambda: b"SIMPLE  =                    T" + b" " * 3000, id="FITS"),
        pytest.param(lambda: b"8BPS\x00\x01" + b"\0" * 500, id="PSD"),
    ],
)
def test_bombs_and_broken_images_are_refused_and_the_service_goes_on(
    client: FlaskClient, content: Callable[[], bytes]
) -> None:
    uploaded = _upload(client, content())

    answers = [client.get(f"/thumbnail/{uploaded['file_id']}") for _ in range(2)]

    assert [answer.get_json()["code"] for answer in answers] == ["thumbnail_failed"] * 2
    assert answers[0].status_code == 422
    assert client.get(f"/download/{uploaded['file_id']}").status_code == 200
    assert _log(client, "file:thumbnail")[0]["error_type"] == "thumbnail_failed"


def test_an_image_that_takes_too_long_is_given_up(set_config: Callable[..., Flask]) -> None:
    client = set_config(
        THUMBNAIL_TIMEOUT="1s", THUMBNAIL_MAX_PIXELS="1000000000", THUMBNAIL_MEMORY="8GB"
    ).test_client()
    uploaded = _upload(client, png_bomb(30_000))

    answer = client.get(f"/thumbnail/{uploaded['file_id']}")

    assert answer.get_json()["code"] == "thumbnail_failed"


def test_an_image_that_takes_too_much_memory_is_given_up(set_config: Callable[..., Flask]) -> None:
    client = set_config(THUMBNAIL_MAX_PIXELS="1000000000", THUMBNAIL_MEMORY="150MB").test_client()
    uploaded = _upload(client, png_bomb(12_000))

    answer = client.get(f"/thumbnail/{uploaded['file_id']}")

    assert answer.get_json()["code"] == "thumbnail_failed"


def test_only_images_have_a_thumbnail_url(client: FlaskClient) -> None:
    assert _upload(client, b"plain text")["thumbnail_url"] is None


def test_thumbnails_of_deleted_files_are_refused_and_leave_the_disk(client: FlaskClient, app: Flask) -> None:
    uploaded = _upload(client, image("PNG"))
    client.get(uploaded["thumbnail_url"])
    client.delete(f"/files/{uploaded['file_id']}", headers={"X-Delete-Token": uploaded["delete_token"]})

    refused = client.get(uploaded["thumbnail_url"])
    Parts(app).thumbnails.tidy()

    assert refused.status_code == 404
    assert _cached(app) == []


def test_the_cache_keeps_to_its_size(set_config: Callable[..., Flask]) -> None:
    app = set_config(THUMBNAIL_CACHE_SIZE="1KB")
    client = app.test_client()
    for side in (200, 201, 202):
        client.get(_upload(client, image("PNG", (side, side)))["thumbnail_url"])

    Parts(app).thumbnails.tidy()

    assert sum(path.stat().st_size for path in _cached(app)) <= 1024


def test_a_thumbnail_that_is_dropped_as_it_is_asked_for_can_be_asked_for_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = _upload(client, image("PNG"))["thumbnail_url"]
    get = DiskCache.get

    def get_and_lose(cache: DiskCache, source: str, variant: str) -> Entry | None:
        entry = get(cache, source, variant)
        if entry is not None:
            entry.path.unlink()
        return entry

    client.get(url)
    monkeypatch.setattr(DiskCache, "get", get_and_lose)
    lost, again = client.get(url), client.get(url)

    assert (lost.status_code, lost.get_json()["code"], again.status_code) == (503, "storage_failed", 200)


def test_a_damaged_original_has_no_thumbnail(client: FlaskClient, app: Flask) -> None:
    uploaded = _upload(client, image("PNG"))
    with Parts(app).database.begin() as connection:
        connection.execute(update(blobs).values(damaged_us=1))

    assert client.get(uploaded["thumbnail_url"]).get_json()["code"] == "content_damaged"


def test_the_process_can_open_neither_files_nor_sockets() -> None:
    """The limit that the process sets itself leaves no descriptor for either."""
    program = (
        f"import runpy, socket, sys; module = runpy.run_path({str(_PROGRAM)!r})\n"
        "module['_confine'](1 << 30, 5)\n"
        "for forbidden in (lambda: socket.socket(), lambda: open('/etc/hostname')):\n"
        "    try: forbidden()\n"
        "    except OSError: continue\n"
        "    sys.exit('it could')\n"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-c", program], stdin=subprocess.DEVNULL, capture_output=True
    )

    assert (done.returncode, done.stderr) == (0, b"")


def _upload(client: FlaskClient, content: bytes) -> dict[str, str]:
    answer: TestResponse = client.put("/upload/picture.bin", data=content)
    assert answer.status_code == 201
    uploaded: dict[str, str] = answer.get_json()
    return uploaded


def _log(client: FlaskClient, action: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    answer = client.get("/api/v1/audit/logs", query_string={"action": action}, headers=headers)
    rows: list[dict[str, Any]] = answer.get_json()["logs"]
    return rows[::-1]


def _cached(app: Flask) -> list[Path]:
    return [path for path in Parts(app).settings.thumbnails_dir.rglob("*.*") if path.is_file()]


def _near(picture: object, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    found = picture.convert("RGB").getpixel(at)  # type: ignore[attr-defined]
    return all(abs(a - b) < 40 for a, b in zip(found, colour, strict=True))

"""What a thumbnail shows: the colours that the image means, and all of a JPEG whose last bytes are missing."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.files.images import BLUE, RED, animated, display_p3, filled, gray_gamma, image, opened, photo


@pytest.fixture
def database_url(prepared_sqlite: Path, tmp_path: Path) -> str:
    """SQLite alone: no thumbnail depends on the kind of database."""
    path = tmp_path / "filewallball.db"
    shutil.copyfile(prepared_sqlite, path)
    return f"sqlite:///{path}"


@pytest.mark.parametrize("missing", [1, 2, 3])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}]
)
@pytest.mark.parametrize("height", [400, 405])
def test_a_jpeg_whose_last_bytes_are_missing_is_shown_whole(
    client: FlaskClient, missing: int, options: dict[str, Any], height: int
) -> None:
    whole = image("JPEG", (800, height), **options)
    uploaded = _upload(client, whole[:-missing])

    picture = opened(client.get(uploaded["thumbnail_url"], query_string={"size": 512}).data)

    assert _near(picture, (10, picture.height - 20), RED)
    assert _near(picture, (500, picture.height - 20), BLUE)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("noise", [True, False])
def test_a_jpeg_of_which_a_part_is_missing_is_refused(client: FlaskClient, share: float, noise: bool) -> None:
    whole = photo("JPEG", (800, 600)) if noise else image("JPEG", (800, 600), "CMYK")
    uploaded = _upload(client, whole[: int(len(whole) * share)])

    assert client.get(f"/thumbnail/{uploaded['file_id']}").get_json()["code"] == "thumbnail_failed"


@pytest.mark.parametrize(
    ("kind", "mode", "colour", "profile", "expected"),
    [
        pytest.param("PNG", "RGB", (234, 51, 35), display_p3(), (255, 0, 0), id="P3 in PNG"),
        pytest.param("JPEG", "RGB", (234, 51, 35), display_p3(), (255, 0, 0), id="P3 in JPEG"),
        pytest.param("WEBP", "RGB", (234, 51, 35), display_p3(), (255, 0, 0), id="P3 in WebP"),
        pytest.param("PNG", "RGBA", (234, 51, 35, 255), display_p3(), (255, 0, 0), id="P3, transparency"),
        pytest.param("PNG", "RGB", (200, 60, 40), display_p3(b"sRGB"), (200, 60, 40), id="sRGB"),
        pytest.param("PNG", "RGB", (200, 60, 40), b"", (200, 60, 40), id="no profile"),
        pytest.param("PNG", "RGB", (200, 60, 40), b"broken" * 50, (200, 60, 40), id="broken profile"),
        pytest.param("PNG", "RGB", (200, 60, 40), display_p3()[:200], (200, 60, 40), id="cut profile"),
        pytest.param("PNG", "RGB", (200, 60, 40), gray_gamma(1.0), None, id="gray profile of colours"),
        pytest.param("PNG", "L", 55, gray_gamma(1.0), (128, 128, 128), id="gray, linear"),
        pytest.param("JPEG", "L", 55, gray_gamma(1.0), (128, 128, 128), id="gray JPEG, linear"),
        pytest.param("PNG", "L", 55, display_p3(), (55, 55, 55), id="gray, profile of colours"),
        pytest.param("PNG", "LA", (55, 255), b"", (55, 55, 55), id="gray, transparency"),
        pytest.param("PNG", "I;16", 55 * 256, b"", (55, 55, 55), id="16 bits"),
        pytest.param("JPEG", "CMYK", (0, 255, 255, 0), b"", (255, 0, 0), id="CMYK"),
        pytest.param("JPEG", "CMYK", (0, 255, 255, 0), display_p3(), (255, 0, 0), id="CMYK, profile of RGB"),
        pytest.param("PNG", "1", 1, b"", (255, 255, 255), id="one bit"),
        pytest.param("PNG", "P", (234, 51, 35), display_p3(), (255, 0, 0), id="palette, P3"),
    ],
)
def test_colours_are_those_that_the_profile_means(
    client: FlaskClient,
    kind: str,
    mode: str,
    colour: Any,
    profile: bytes,
    expected: tuple[int, int, int] | None,
) -> None:
    uploaded = _upload(client, filled(kind, mode, colour, profile))

    picture = opened(client.get(uploaded["thumbnail_url"]).data)

    assert "icc_profile" not in picture.info
    if expected:
        found = picture.convert("RGB").getpixel((20, 20))
        assert all(abs(a - b) <= 4 for a, b in zip(found, expected, strict=True)), found  # type: ignore[arg-type]


def test_a_palette_with_transparency_keeps_it(client: FlaskClient) -> None:
    uploaded = _upload(client, filled("PNG", "P", (234, 51, 35), display_p3(), transparency=b"\x80"))

    picture = opened(client.get(uploaded["thumbnail_url"]).data)

    assert picture.mode == "RGBA"
    assert picture.getpixel((20, 20))[3] == 128  # type: ignore[index]


def test_transparency_is_kept(client: FlaskClient) -> None:
    uploaded = _upload(client, image("PNG", mode="RGBA"))

    answer = client.get(uploaded["thumbnail_url"])

    assert answer.content_type == "image/png"
    assert opened(answer.data).mode == "RGBA"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_shown(client: FlaskClient, kind: str) -> None:
    uploaded = _upload(client, animated(kind, 500))

    picture = opened(client.get(uploaded["thumbnail_url"]).data)

    assert _near(picture, (16, 16), (0, 0, 0))


def _upload(client: FlaskClient, content: bytes) -> dict[str, str]:
    answer: TestResponse = client.put("/upload/picture.bin", data=content)
    assert answer.status_code == 201
    uploaded: dict[str, str] = answer.get_json()
    return uploaded


def _near(picture: object, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    found = picture.convert("RGB").getpixel(at)  # type: ignore[attr-defined]
    return all(abs(a - b) < 40 for a, b in zip(found, colour, strict=True))

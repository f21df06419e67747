"""Bombs: what declares far more than it holds is one, what is merely large, damaged or cut short is none."""

import gzip
import random
import struct
import zlib
from collections.abc import Callable

import pytest

from filewallball.files.inspection.animations import count_frames
from filewallball.files.inspection.archives import MAX_ENTRIES
from filewallball.files.inspection.suspicion import Suspicion
from tests.files.images import animated, apng_bomb, gif_bomb, image, webp_bomb
from tests.files.samples import GIF, JPEG, PNG, TEXT, suspicion, zipped


def test_an_archive_that_declares_an_absurd_expansion_is_a_bomb() -> None:
    huge = zipped(1000)
    at = huge.rfind(b"PK\x01\x02")
    bomb = huge[: at + 24] + struct.pack("<I", 0xFFFFFFF0) + huge[at + 28 :]

    assert suspicion(bomb, "a.zip").content == ("archive_bomb",)
    assert not suspicion(huge, "a.zip").content


def test_entries_that_share_bytes_are_a_bomb() -> None:
    entry = struct.pack("<4s16xIIHHH", b"PK\x01\x02", 1_000_000, 40_000_000, 0, 0, 0) + b"\0" * 12
    directory = entry * 100
    end = struct.pack("<4s4xHHIIH", b"PK\x05\x06", 100, 100, len(directory), 4, 0)

    assert suspicion(b"PK\x03\x04" + directory + end, "a.zip").content == ("archive_bomb",)


def test_too_many_entries_are_a_bomb() -> None:
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, MAX_ENTRIES + 1, MAX_ENTRIES + 1, 0, 4)
    end = struct.pack("<4s4xHHIIH", b"PK\x05\x06", 0xFFFF, 0xFFFF, 0, 4, 0)

    assert suspicion(b"PK\x03\x04" + end64 + end, "a.zip").content == ("archive_bomb",)


def test_an_archive_of_a_hundred_thousand_files_is_none() -> None:
    name = b"node_modules/package/index.js"
    entry = struct.pack("<4s16xIIHHH", b"PK\x01\x02", 90, 300, len(name), 0, 0) + bytes(12) + name
    directory = entry * 120_000
    start = b"PK\x03\x04" + bytes(120_000 * 90)
    end64 = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 120_000, 120_000, len(directory), len(start)
    )
    end = struct.pack("<4s4xHHIIH", b"PK\x05\x06", 0xFFFF, 0xFFFF, len(directory), len(start), 0)

    assert not suspicion(start + directory + end64 + end, "project.zip")


def test_a_gzip_that_declares_an_absurd_expansion_is_a_bomb() -> None:
    bomb = gzip.compress(TEXT, mtime=0)[:-4] + struct.pack("<I", 0xFFFFFFF0)

    assert suspicion(bomb, "a.gz").content == ("archive_bomb",)


def test_a_gzip_that_was_cut_short_declares_nothing() -> None:
    whole = gzip.compress(random.Random(7).randbytes(3000), mtime=0)
    cuts = [whole[:end] + bytes(3) + b"\xff" for end in range(20, len(whole) - 20)]

    assert {suspicion(cut, "server.log.gz") for cut in cuts} == {Suspicion()}


@pytest.mark.parametrize("first", [b"", gzip.compress(TEXT, mtime=0)])
def test_a_gzip_that_expands_beyond_reason_is_a_bomb_cut_short_or_not(first: bytes) -> None:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()

    assert suspicion(first + bomb, "a.gz").content == ("archive_bomb",)
    assert suspicion(bomb[:100_000] + b"\xff" * 4, "a.gz").content == ("archive_bomb",)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 50_000, 50_000) + b"\0" * 20),
        ("a.gif", b"GIF89a" + struct.pack("<HH", 50_000, 50_000) + b"\0" * 20),
        ("a.jpg", b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xc2\0\x11\x08" + struct.pack(">HH", 50_000, 50_000)),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\xff\xff\x0f" * 2 + b"\0" * 20),
    ],
)
def test_an_image_that_declares_too_many_pixels_is_a_bomb(name: str, data: bytes) -> None:
    assert suspicion(data, name).content == ("image_bomb",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PNG, "image_bomb"),
        (JPEG, None),
        (GIF, "image_bomb"),
        (zipped(10), None),
        (gzip.compress(b"x", mtime=0), "archive_bomb"),
    ],
)
def test_damaged_headers_are_looked_at_without_harm(data: bytes, reason: str | None) -> None:
    cuts = [data[:end] for end in range(len(data))]

    assert {suspicion(cut, "a.bin") for cut in cuts} == {Suspicion()}
    # Sizes of 0xff are absurd wherever they stand for one.
    expected = {Suspicion(), Suspicion(content=(reason,))} if reason else {Suspicion()}
    assert {suspicion(cut + b"\xff" * 40, "a.bin") for cut in cuts} == expected


@pytest.mark.parametrize(("name", "make"), [("a.gif", gif_bomb), ("a.webp", webp_bomb), ("a.png", apng_bomb)])
@pytest.mark.parametrize(("frames", "side"), [(100_000, 10), (700, 3_000)])
def test_an_animation_that_declares_too_many_frames_or_pixels_in_all_is_a_bomb(
    name: str, make: Callable[[int, int], bytes], frames: int, side: int
) -> None:
    assert suspicion(make(frames, side), name).content == ("image_bomb",)
    assert suspicion(make(500, 100), name).content == ()


@pytest.mark.parametrize(
    ("kind", "media_type"), [("GIF", "image/gif"), ("WEBP", "image/webp"), ("PNG", "image/png")]
)
def test_the_frames_of_sound_animations_are_counted_exactly(kind: str, media_type: str) -> None:
    assert count_frames(animated(kind, 7), media_type) == 7
    assert count_frames(image(kind), media_type) == 1
    whole = animated(kind, 7)
    assert all(1 <= count_frames(whole[:end], media_type) <= 7 for end in range(len(whole)))

"""Suspicion: names alone never keep a file from being served; content that betrays its claim does."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from filewallball.files.inspection.animations import count_frames
from filewallball.files.inspection.bombs import MAX_ENTRIES
from filewallball.files.inspection.media_type import inspect
from filewallball.files.inspection.suspicion import Suspicion, judge
from tests.files.images import animated, apng_bomb, gif_bomb, image, webp_bomb

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 1, 1, 8, 2, 0, 0, 0) + b"\0" * 64
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\0" * 64
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + b"\0" * 64
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 60
SCRIPT = b"#!/bin/sh\necho hello\n"
TEXT = b"Only words, and more of them.\n"
RANDOM = bytes(range(255, 0, -1))


class Bytes(io.BytesIO):
    """Staged bytes in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.head, self.size = data[:4096], len(data)


def suspicion(data: bytes, name: str, claimed: str = "") -> Suspicion:
    return judge(Bytes(data), name, inspect(data[:4096], claimed, name))


def zipped(*sizes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(zipfile.ZipInfo(f"{number}.txt"), b"\0" * size, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "claimed"),
    [
        (PNG, "a.png", "image/png"),
        (PNG, "a.PNG", ""),
        (PNG, "picture", "application/octet-stream"),
        (JPEG, "a.jpg", "image/jpg"),
        (PDF, "a.pdf", "application/octet-stream"),
        (TEXT, "a.txt", "text/plain"),
        (TEXT, "a.conf", "text/plain"),
        (TEXT, "no extension", ""),
        (SCRIPT, "run.sh", "application/x-sh"),
        (SCRIPT, "run.txt", "text/plain"),
        (b'{"a": 1}', "a.json", "application/json"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "image/svg+xml"),
        (zipped(100), "a.zip", "application/x-zip-compressed"),
        (zipped(100), "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (zipped(100), "a.odt", "application/vnd.oasis.opendocument.text"),
        (gzip.compress(TEXT, mtime=0), "a.tar.gz", "application/gzip"),
        (ELF, "tool", ""),
        (ELF, "tool.exe", "application/x-msdownload"),
        (RANDOM, "a.bin", "application/octet-stream"),
        (RANDOM, "a.mp3", "audio/mpeg"),
        (b"", "a.png", "image/png"),
    ],
)
def test_honest_files_are_above_suspicion(data: bytes, name: str, claimed: str) -> None:
    assert not suspicion(data, name, claimed)


@pytest.mark.parametrize(
    ("data", "name", "claimed", "reason"),
    [
        (ELF, "holiday.jpg", "", "disguised_executable"),
        (ELF, "holiday", "image/jpeg", "disguised_executable"),
        (b"MZ" + b"\0" * 58 + b"\x40\0\0\0PE\0\0", "invoice.pdf", "", "disguised_executable"),
        (TEXT, "a.png", "", "extension_contradicts_content"),
        (RANDOM, "a.png", "", "extension_contradicts_content"),
        (PNG, "a.txt", "", "extension_contradicts_content"),
        (PNG, "a.gif", "image/png", "extension_contradicts_content"),
        (SCRIPT, "a.jpg ", "", "extension_contradicts_content"),
        (b"<html><script>1</script>", "a.pdf", "", "extension_contradicts_content"),
        (JPEG, "a", "image/png", "claim_contradicts_content"),
        (TEXT, "a", "application/pdf", "claim_contradicts_content"),
        (GIF + b"<?php system($_GET['c']);", "a.gif", "image/gif", "script_in_image"),
        (JPEG + b"<SCRIPT>alert(1)</SCRIPT>", "a.jpg", "", "script_in_image"),
        (PNG + bytes(10_000) + b"<?php system('id');", "long.png", "", "script_in_image"),
    ],
)
def test_content_that_betrays_the_claim_is_a_reason(
    data: bytes, name: str, claimed: str, reason: str
) -> None:
    assert reason in suspicion(data, name, claimed).content


@pytest.mark.parametrize(
    "name", ["invoice.pdf.exe", "photo\u202egpj.exe", "a\x00b.txt", "../../etc/passwd", "a.pdf          .exe"]
)
def test_a_deceptive_name_alone_is_no_reason_from_content(name: str) -> None:
    found = suspicion(RANDOM, name)

    assert found.name
    assert not found.content


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


def test_a_gzip_that_declares_an_absurd_expansion_is_a_bomb() -> None:
    bomb = gzip.compress(TEXT, mtime=0)[:-4] + struct.pack("<I", 0xFFFFFFF0)

    assert suspicion(bomb, "a.gz").content == ("archive_bomb",)


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

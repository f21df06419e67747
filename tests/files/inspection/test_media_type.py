"""Files of every kind, judged by their bytes: right types, programs found exactly, chance never accused."""

import bz2
import gzip
import io
import lzma
import os
import random
import sqlite3
import struct
import subprocess
import sys
import tarfile
import wave
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filewallball.files.inspection.media_type import inspect, is_allowed
from filewallball.files.inspection.signatures import (
    EMPTY,
    EXECUTABLE,
    MACH_O,
    OCTET_STREAM,
    PORTABLE_EXECUTABLE,
)
from filewallball.storage.stage import HEAD_BYTES
from tests.files.samples import FAR_PE, Bytes

PE_AT_128 = b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\x00\x00\x64\x86"
OFFICE = "application/vnd.openxmlformats-officedocument"
DEFAULT_BLOCKED = (EXECUTABLE,)


def zipped(*names: str, mimetype: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if mimetype:
            archive.writestr(zipfile.ZipInfo("mimetype"), mimetype, zipfile.ZIP_STORED)
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "content of " + name, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("name"))
    return buffer.getvalue()


def waved() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setparams((1, 2, 44100, 0, "NONE", ""))
        sound.writeframes(bytes(400))
    return buffer.getvalue()


def ftyp(brand: bytes, *compatible: bytes) -> bytes:
    brands = brand + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(64)


def mach_o_fat(count: int) -> bytes:
    return b"\xca\xfe\xba\xbe" + struct.pack(">IIIIII", count, 0x01000007, 3, 4096, 8192, 12) + bytes(64)


SAMPLES = [
    (b"", EMPTY),
    (b"\x00", OCTET_STREAM),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
    (b"GIF89a\x01\x00\x01\x00", "image/gif"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
    (ftyp(b"avif", b"mif1"), "image/avif"),
    (ftyp(b"mif1", b"avif"), "image/avif"),
    (ftyp(b"heic"), "image/heic"),
    (ftyp(b"isom", b"mp41"), "video/mp4"),
    (ftyp(b"qt  "), "video/quicktime"),
    (b"BM" + struct.pack("<IIIIii", 70, 0, 54, 40, 2, 2), "image/bmp"),
    (b"II*\x00\x08\x00\x00\x00", "image/tiff"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    (zipped("a.txt"), "application/zip"),
    (zipped(), "application/zip"),
    (zipped("word/a.txt"), "application/zip"),
    (
        zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
        f"{OFFICE}.wordprocessingml.document",
    ),
    (zipped("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}.spreadsheetml.sheet"),
    (zipped("_rels/.rels", "ppt/presentation.xml"), f"{OFFICE}.presentationml.presentation"),
    (zipped("a", mimetype="application/epub+zip"), "application/epub+zip"),
    (
        zipped("a", mimetype="application/vnd.oasis.opendocument.text"),
        "application/vnd.oasis.opendocument.text",
    ),
    (zipped("a", mimetype="text/html; evil\r\n"), "application/zip"),
    (zipped("META-INF/MANIFEST.MF"), "application/java-archive"),
    (zipped("AndroidManifest.xml"), "application/vnd.android.package-archive"),
    (gzip.compress(b"x", mtime=0), "application/gzip"),
    (bz2.compress(b"x"), "application/x-bzip2"),
    (lzma.compress(b"x"), "application/x-xz"),
    (b"\x28\xb5\x2f\xfd\x04\x00\x09", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c\x00\x04", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07\x01\x00", "application/vnd.rar"),
    (tarred(), "application/x-tar"),
    (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg"),
    (b"fLaC\x00\x00\x00\x22", "audio/flac"),
    (waved(), "audio/wav"),
    (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
    (b"\x1aE\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
    (b"\x00asm\x01\x00\x00\x00", "application/wasm"),
    (b"hello world\n", "text/plain"),
    ("안녕하세요, 세계\n".encode(), "text/plain"),
    (b"one, two, three\n" * 20, "text/plain"),
    (b'{"a": [1, 2]}', "application/json"),
    (b"<!DOCTYPE html><html><script>alert(1)</script></html>", "text/html"),
    (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/svg+xml"),
    (b'<?xml version="1.0"?><a/>', "text/xml"),
]


@pytest.mark.parametrize(("content", "media_type"), SAMPLES, ids=lambda value: str(value)[:40])
def test_the_type_comes_from_the_content(content: bytes, media_type: str) -> None:
    inspection = inspect(content[:HEAD_BYTES], "image/png", "picture.png")

    assert (inspection.media_type, inspection.executable) == (media_type, False)


def test_a_database_made_by_sqlite_is_one(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()

    assert inspect((tmp_path / "x.db").read_bytes(), None, "").media_type == "application/vnd.sqlite3"


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        (None, ""),
        ("", ""),
        ("text/plain", "text/plain"),
        ("Text/HTML; charset=utf-8", "text/html"),
        ("nonsense", ""),
        ("a/b/c", ""),
        ("text/plain\r\nX: y", ""),
        ("x/" + "y" * 5000, ""),
    ],
)
def test_the_claim_is_kept_beside_it_if_it_is_one(claimed: str | None, kept: str) -> None:
    inspection = inspect(b"\x89PNG\r\n\x1a\n", claimed, "x")

    assert (inspection.media_type, inspection.claimed_type) == ("image/png", kept)


@pytest.mark.parametrize(("claimed", "filename"), [("text/csv", "x"), (None, "Table.CSV"), (None, "a.tsv")])
def test_a_table_is_a_table_when_somebody_says_so(claimed: str | None, filename: str) -> None:
    assert inspect(b"one, two, three\n" * 20, claimed, filename).media_type == "text/csv"


PROGRAMS = [
    (b"\x7fELF\x02\x01\x01" + bytes(57), EXECUTABLE),
    (b"\x7fELF\x01\x02\x07" + bytes(57), EXECUTABLE),
    (b"\xcf\xfa\xed\xfe\x07\x00\x00\x01", MACH_O),
    (b"\xce\xfa\xed\xfe\x07\x00\x00\x00", MACH_O),
    (b"\xfe\xed\xfa\xce\x00\x00\x00\x12", MACH_O),
    (b"\xfe\xed\xfa\xcf\x01\x00\x00\x12", MACH_O),
    (mach_o_fat(2), MACH_O),
    (b"\xca\xfe\xba\xbf" + mach_o_fat(1)[4:], MACH_O),
    (b"\xbe\xba\xfe\xca\x02\x00\x00\x00" + bytes(64), MACH_O),
    (PE_AT_128, PORTABLE_EXECUTABLE),
    (
        b"MZ" + bytes(58) + struct.pack("<I", HEAD_BYTES - 4) + bytes(HEAD_BYTES - 68) + b"PE\x00\x00",
        PORTABLE_EXECUTABLE,
    ),
]


@pytest.mark.parametrize(("content", "media_type"), PROGRAMS, ids=lambda value: str(value)[:40])
def test_a_program_is_found_whatever_it_claims_to_be(content: bytes, media_type: str) -> None:
    inspection = inspect(content, "text/plain", "notes.txt")

    assert (inspection.media_type, inspection.executable) == (media_type, True)
    assert not is_allowed(inspection.media_type, inspection.executable, (), DEFAULT_BLOCKED)


def test_this_very_interpreter_is_a_program() -> None:
    with Path(sys.executable).open("rb") as file:
        assert inspect(file.read(HEAD_BYTES), None, "python").media_type == EXECUTABLE


def test_a_windows_program_is_one_wherever_its_header_stands() -> None:
    staged = Bytes(FAR_PE)

    assert inspect(staged.head, None, "setup.exe", staged).media_type == PORTABLE_EXECUTABLE
    assert not inspect(staged.head, None, "setup.exe", Bytes(FAR_PE.replace(b"PE", b"NE"))).executable


HARMLESS = [
    b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(32),  # Java 8
    b"\xca\xfe\xba\xbe\x00\x00\x00\x2d" + bytes(32),  # Java 1.1
    b"\xca\xfe\xba\xbe\x00\x03\x00\x2d" + bytes(32),
    b"\xca\xfe\xba\xbe\xff\xff\x00\x41" + bytes(32),  # a preview of Java 21
    b"\xca\xfe\xba\xbe\x00\x00\x00\x00" + bytes(32),
    b"\xca\xfe\xba\xbe",
    b"MZ",
    b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(68),  # DOS, no PE
    b"MZ" + bytes(58) + b"\xff\xff\xff\xff" + bytes(64),
    b"MZ" + bytes(58) + struct.pack("<I", 5000) + bytes(HEAD_BYTES - 64),
    b"MZ is how this sentence begins.\n",
    b"\x7fEL",
    b"\xe9\x00\x01" + bytes(100),  # what a COM file may begin with
    b"#!/bin/sh\nrm -rf /\n",
]


@pytest.mark.parametrize("content", HARMLESS, ids=lambda value: str(value)[:40])
def test_what_only_looks_like_a_program_is_not_refused(content: bytes) -> None:
    inspection = inspect(content, None, "x")

    assert not inspection.executable
    assert is_allowed(inspection.media_type, inspection.executable, (), DEFAULT_BLOCKED)


def test_random_bytes_are_never_refused() -> None:
    chance = random.Random(20)
    for _ in range(3000):
        inspection = inspect(chance.randbytes(chance.randrange(1, 600)), None, "random.bin")
        assert is_allowed(inspection.media_type, inspection.executable, (), DEFAULT_BLOCKED)
        assert inspection.media_type != "application/x-dosexec"


@given(head=st.binary(max_size=200), start=st.sampled_from([sample[:40] for sample, _ in SAMPLES + PROGRAMS]))
def test_any_bytes_get_some_media_type(head: bytes, start: bytes) -> None:
    inspection = inspect(start + head, None, "x")

    assert inspection.media_type.isascii()
    assert inspection.media_type.count("/") == 1


def test_many_threads_at_once_get_the_answers_that_one_gets() -> None:
    expected = [inspect(content, None, "x") for content, _ in SAMPLES]

    def all_of_them(_: int) -> bool:
        return [inspect(content, None, "x") for content, _ in SAMPLES] == expected

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(all_of_them, range(64)))


def test_the_bundled_library_is_used_and_leaves_the_environment_alone() -> None:
    program = """
import os
before = dict(os.environ)
from filewallball.files.inspection.media_type import inspect
assert not any("magic" in line for line in open("/proc/self/maps"))
assert inspect(b"hello", None, "x").media_type == "text/plain"
assert all("pylibmagic" in line for line in open("/proc/self/maps") if "magic" in line)
assert dict(os.environ) == before
"""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, env={**os.environ, "PYTHONPATH": "."}
    )


@pytest.mark.parametrize(
    ("media_type", "executable", "allowed", "blocked", "verdict"),
    [
        ("image/png", False, (), (), True),
        ("image/png", False, ("image/*",), (), True),
        ("image/png", False, ("image/png",), (), True),
        ("text/plain", False, ("image/*", "application/pdf"), (), False),
        ("application/pdf", False, ("image/*", "application/pdf"), (), True),
        ("image/svg+xml", False, ("image/*",), ("image/svg+xml",), False),
        ("imagex/png", False, ("image/*",), (), False),
        (PORTABLE_EXECUTABLE, True, (), DEFAULT_BLOCKED, False),
        (MACH_O, True, (), DEFAULT_BLOCKED, False),
        (MACH_O, True, (), (PORTABLE_EXECUTABLE,), True),
        (PORTABLE_EXECUTABLE, True, (), (PORTABLE_EXECUTABLE,), False),
        (EXECUTABLE, True, (), (), True),
        (MACH_O, True, (EXECUTABLE,), (), True),
        (MACH_O, True, (EXECUTABLE,), DEFAULT_BLOCKED, False),
        ("text/plain", False, (EXECUTABLE,), (), False),
        (EMPTY, False, ("image/*",), (), False),
    ],
)
def test_blocking_wins_over_allowing_and_programs_have_one_name(
    media_type: str, executable: bool, allowed: tuple[str, ...], blocked: tuple[str, ...], verdict: bool
) -> None:
    assert is_allowed(media_type, executable, allowed, blocked) is verdict

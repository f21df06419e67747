"""Suspicion: names alone never keep a file from being served, nor do wrong labels; dangerous content does."""

import gzip

import pytest

from tests.files.samples import (
    DOS,
    ELF,
    FAR_PE,
    GIF,
    JPEG,
    PDF,
    PNG,
    RANDOM,
    SCRIPT,
    TEXT,
    jar,
    label,
    suspicion,
    zipped,
)


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
    assert not label(data, name, claimed)


@pytest.mark.parametrize(
    ("data", "name", "claimed", "reason"),
    [
        (ELF, "holiday.jpg", "", "disguised_executable"),
        (ELF, "holiday", "image/jpeg", "disguised_executable"),
        (b"MZ" + b"\0" * 58 + b"\x40\0\0\0PE\0\0", "invoice.pdf", "", "disguised_executable"),
        (DOS, "photo.jpg", "", "disguised_executable"),
        (FAR_PE, "invoice.pdf", "", "disguised_executable"),
        (ELF, "notes", "text/plain", "disguised_executable"),
        (ELF, "report.hwp", "", "disguised_executable"),
        (ELF, "song.mp3", "", "disguised_executable"),
        (ELF, "logo.svg", "", "disguised_executable"),
        (ELF, "backup.tar", "", "disguised_executable"),
        (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + bytes(60), "cv.pdf", "", "disguised_executable"),
        (jar(), "photo.jpg", "", "disguised_executable"),
        (jar(), "photo.jpg", "application/zip", "disguised_executable"),
        (GIF + jar(), "a.gif", "image/gif", "program_in_image"),
        (SCRIPT, "a.jpg ", "", "disguised_script"),
        (SCRIPT, "a.docx", "", "disguised_script"),
        (SCRIPT, "old.doc", "", "disguised_script"),
        (SCRIPT, "song.mp3", "", "disguised_script"),
        (SCRIPT, "a", "image/jpeg", "disguised_script"),
        (SCRIPT, "a", "application/pdf", "disguised_script"),
        (b"\xef\xbb\xbf" + SCRIPT, "a.png", "", "disguised_script"),
        (b"#! /usr/bin/env node\nrequire('fs')\n", "a.zip", "", "disguised_script"),
        (b"@echo off\r\ndel *\r\n", "a.xlsx", "", "disguised_script"),
        (b"<?php system($_GET['c']);", "a.png", "", "disguised_script"),
        (SCRIPT + PDF, "a.pdf", "application/pdf", "disguised_script"),
        (b"<script>1</script>" + PDF, "a.pdf", "", "disguised_script"),
        (b"<html><script>1</script>", "a.pdf", "", "disguised_script"),
        (b"<html><script>1</script>", "a.png", "", "disguised_script"),
        ("<html><script>1</script>".encode("utf-16"), "a.png", "", "disguised_script"),
        (b"<html><img src=x onerror=alert(1)>", "a.png", "", "disguised_script"),
        (b"<html>" + b" " * 9000 + b"<script>1</script>", "a.pdf", "", "disguised_script"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
            "a.png",
            "",
            "disguised_script",
        ),
        (GIF + b"<?php system($_GET['c']);", "a.gif", "image/gif", "script_in_image"),
        (JPEG + b"<SCRIPT>alert(1)</SCRIPT>", "a.jpg", "", "script_in_image"),
        (PNG + bytes(10_000) + b"<?php system('id');", "long.png", "", "script_in_image"),
    ],
)
def test_dangerous_content_is_a_reason(data: bytes, name: str, claimed: str, reason: str) -> None:
    assert reason in suspicion(data, name, claimed).content


@pytest.mark.parametrize(
    ("data", "name", "claimed"),
    [
        (TEXT, "report.pdf", ""),
        (TEXT, "a.png", ""),
        (RANDOM, "a.png", ""),
        (PNG, "a.txt", ""),
        (PNG, "a.gif", "image/png"),
        (JPEG, "a", "image/png"),
        (TEXT, "a", "application/pdf"),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(40), "photo.jpg", "image/jpeg"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "photo.jpg", "image/jpeg"),
        (b"<html><p>Please log in</p></html>", "report.pdf", "application/pdf"),
        (b'{"error": "not found"}', "photo.jpg", "image/jpeg"),
        (zipped(100), "photo.jpg", ""),
    ],
)
def test_a_wrong_label_is_told_and_is_no_suspicion(data: bytes, name: str, claimed: str) -> None:
    assert not suspicion(data, name, claimed)
    assert label(data, name, claimed)["claimed"] == claimed


@pytest.mark.parametrize(
    ("data", "name", "claimed"),
    [
        (gzip.compress(TEXT, mtime=0), "README.md.gz", "text/markdown"),
        (JPEG, "a.jpg", "text/plain"),
        (TEXT, "a.csv", "application/vnd.ms-excel"),
        (TEXT, "a.ts", "video/mp2t"),
        (TEXT, "a.txt", "application/x-www-form-urlencoded"),
        (zipped(100), "a.whl", "application/octet-stream"),
        (JPEG, "a.jpg", "image/x-citrix-jpeg"),
    ],
)
def test_a_true_name_vouches_for_a_file_whatever_is_claimed(data: bytes, name: str, claimed: str) -> None:
    assert not suspicion(data, name, claimed)
    assert not label(data, name, claimed)


@pytest.mark.parametrize(
    ("data", "name", "claimed"),
    [
        *(
            (ELF, name, "")
            for name in ("libc.so.6", "a.o", "tool", "normal.mod", "x.efi", "x.node", "core.1234")
        ),
        (ELF, "libm.a", "text/vnd.a"),
        (ELF, "libx.so.1", "application/x-troff-man"),
        (ELF, "tool", "application/x-www-form-urlencoded"),
        (DOS, "game.exe", "application/x-msdownload"),
        (SCRIPT, "configure", ""),
        (SCRIPT, "test.t", "text/troff"),
        (SCRIPT, "install.sh", "text/x-sh"),
        (SCRIPT, "main.ts", "video/mp2t"),
        (SCRIPT + jar(), "app.jar", "application/java-archive"),
        (jar(), "app.jar", "application/java-archive"),
        (jar(), "app.zip", "application/zip"),
        (b"<html><script>1</script>", "page.html", "text/html"),
        (b"<html><script>1</script>", "page.html.in", ""),
        (b"<html><table onclick='x()'>", "export.xls", "application/vnd.ms-excel"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "a.svg", "image/svg+xml"),
        (b"MZ is how this sentence begins.\n", "a.txt", "text/plain"),
    ],
)
def test_programs_and_scripts_under_names_of_their_own_disguise_nothing(
    data: bytes, name: str, claimed: str
) -> None:
    assert not suspicion(data, name, claimed).content


@pytest.mark.parametrize(
    "name", ["invoice.pdf.exe", "photo\u202egpj.exe", "a\x00b.txt", "../../etc/passwd", "a.pdf          .exe"]
)
def test_a_deceptive_name_alone_is_no_reason_from_content(name: str) -> None:
    found = suspicion(RANDOM, name)

    assert found.name
    assert not found.content

"""Names from anywhere: kept for people, harmless in headers, paths and terminals."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from filewallball.files.naming import FALLBACK, MAX_BYTES, content_disposition, deceptions, display_name

HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069/\\\\\ud800-\udfff]")
HEADER_VALUE = re.compile(r"[\x20-\x7e]+")
PLAIN_ONLY = re.compile(r"""(attachment|inline); filename="([^"\\%;/\x7f-\xff\x00-\x1f]+)\"""")
WITH_TRUE_NAME = re.compile(PLAIN_ONLY.pattern + r"; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)")

names = st.one_of(
    st.text(max_size=400),
    st.text(alphabet="ab ./\\-_\u00a0\u202e\u0000\n\"';%", max_size=60),
    st.text(alphabet="가é🏴\u0301.\u3000x", max_size=300),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=20),
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("holiday photo (2024), 3+1.jpg", "holiday photo (2024), 3+1.jpg"),
        ("보고서 최종.pdf", "보고서 최종.pdf"),
        ('보고서 "최종"\r\n.pdf', '보고서 "최종"__.pdf'),
        ("naïve résumé — Ünïcödé.txt", "naïve résumé — Ünïcödé.txt"),
        ("👩‍👩‍👧 🏳️‍🌈.png", "👩‍👩‍👧 🏳️‍🌈.png"),
        ("می‌خواهم.txt", "می‌خواهم.txt"),
        ("he said 'hi'; <b>.txt", "he said 'hi'; <b>.txt"),
        ("100%41.txt", "100%41.txt"),
        ("../../etc/passwd", "__._etc_passwd"),
        ("..\\..\\boot.ini", "__._boot.ini"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("C:/Users/me/photo.jpg", "photo.jpg"),
        ("\\\\server\\share\\photo.jpg", "photo.jpg"),
        ("C:\\photo.jpg", "photo.jpg"),
        ("C:photo.jpg", "C:photo.jpg"),
        ("a\\b.txt", "a_b.txt"),
        ("a/b\\c", "a_b_c"),
        ("a\x00.txt", "a_.txt"),
        ("\x1b[31mred\x1b[0m", "_[31mred_[0m"),
        ("a\x85b\u2028c\u2029d", "a_b_c_d"),
        ("annual\u202efdp.exe", "annual_fdp.exe"),
        ("\u2066x\u2069", "_x_"),
        ("\ud800.txt", "_.txt"),
        (".bashrc", "_bashrc"),
        ("-rf", "_rf"),
        ("a..b...c", "a.b.c"),
        ("file.exe. . ", "file.exe"),
        ("  spaces  ", "spaces"),
        ("\u3000wide\u00a0.", "wide"),
        ("a.txt\n", "a.txt_"),
    ],
)
def test_a_name_is_kept_but_for_what_could_do_harm(raw: str, shown: str) -> None:
    assert display_name(raw) == shown


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        ".",
        "..",
        "...",
        ". . .",
        "/",
        "//",
        "\\",
        "C:\\",
        "\\\\a\\",
        "\x00",
        "\n",
        "\u202e",
        "\u3000",
    ],
)
def test_a_name_with_nothing_in_it_gets_one(raw: str) -> None:
    assert display_name(raw) == FALLBACK


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a" * 255, "a" * 255),
        ("a" * 256, "a" * 255),
        ("a" * 251 + ".txt", "a" * 251 + ".txt"),
        ("a" * 252 + ".txt", "a" * 251 + ".txt"),
        ("가" * 84 + ".pdf", "가" * 83 + ".pdf"),
        ("가" * 85, "가" * 85),
        ("가" * 86, "가" * 85),
        ("🦊" * 64, "🦊" * 63),
        ("a" * 300 + ".tar.gz", "a" * 252 + ".gz"),
        ("a." + "b" * 300, "a." + "b" * 253),
        ("a" * 250 + " ." * 5 + "txt", "a" * 250 + ".txt"),
    ],
)
def test_a_long_name_is_cut_at_a_character_and_keeps_its_extension(raw: str, shown: str) -> None:
    assert display_name(raw) == shown


@given(raw=names)
@example(raw="x" * 250 + " . " + "y" * 30)
@example(raw=" -.- ")
def test_any_name_becomes_harmless_and_stays_as_it_became(raw: str) -> None:
    assert_harmless(display_name(raw))


def assert_harmless(shown: str) -> None:
    assert not HARMFUL.search(shown)
    assert ".." not in shown
    assert 1 <= len(shown.encode()) <= MAX_BYTES
    assert shown == shown.strip().rstrip(".")
    assert shown[0] not in ".-"
    assert display_name(shown) == shown


@given(raw=names, inline=st.booleans())
@example(raw='"; filename="evil.exe', inline=False)
@example(raw="a\r\nSet-Cookie: x=1", inline=True)
@example(raw="\u2100 \uff02 \uff1b \ufe68.txt", inline=False)
@example(raw="\u0301.txt", inline=False)
def test_any_name_makes_exactly_one_well_formed_header_value_that_gives_it_back(
    raw: str, inline: bool
) -> None:
    kind, name = taken_apart(content_disposition(raw, inline))

    assert kind == ("inline" if inline else "attachment")
    assert name == display_name(raw)


def taken_apart(value: str) -> tuple[str, str]:
    """The parts that a client reads in a header value, which must be one that no client reads otherwise."""
    assert HEADER_VALUE.fullmatch(value)
    assert PLAIN_ONLY.fullmatch(value) or WITH_TRUE_NAME.fullmatch(value)
    kind, options = parse_options_header(value)
    assert list(options) == ["filename"]
    return kind, options["filename"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("résumé.pdf", "attachment; filename=\"resume.pdf\"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf"),
        ("보고서.pdf", "attachment; filename=\"___.pdf\"; filename*=UTF-8''%EB%B3%B4%EA%B3%A0%EC%84%9C.pdf"),
        ('a"b\\c.txt', "attachment; filename=\"a_b_c.txt\"; filename*=UTF-8''a%22b_c.txt"),
        ("100%41.txt", "attachment; filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt"),
    ],
)
def test_old_clients_get_a_plain_name_and_new_ones_the_true_one(name: str, value: str) -> None:
    assert content_disposition(name, inline=False) == value


@pytest.mark.parametrize(
    ("raw", "labels"),
    [
        ("report.pdf", ()),
        ("archive.tar.gz", ()),
        ("보고서 v1.2 최종.pdf", ()),
        ("setup.exe", ()),
        ("annual\u202efdp.exe", ("bidi_override",)),
        ("a\nb.txt", ("control_character",)),
        ("a\x00.txt", ("control_character",)),
        ("../../etc/passwd", ("path_traversal",)),
        ("a\\..\\b", ("path_traversal",)),
        ("a..b/c", ()),
        ("photo.jpg" + " " * 40 + ".exe", ("padded_extension", "double_extension")),
        ("invoice.pdf.exe", ("double_extension",)),
        ("INVOICE.PDF.EXE", ("double_extension",)),
        ("invoice.pdf.js. ", ("double_extension",)),
        ("notes.2024.txt", ()),
    ],
)
def test_a_name_that_misleads_is_told_apart_from_an_odd_one(raw: str, labels: tuple[str, ...]) -> None:
    assert deceptions(raw) == labels


@pytest.mark.parametrize("around", ["", "a"])
@pytest.mark.parametrize(
    ("filler", "labels"),
    [
        (" ", ()),
        (".", ()),
        ("a", ()),
        (".pdf", ()),
        (" .a", ()),
        (". ", ()),
        ("\u3000", ()),
        ("\u0301", ()),
        ("\u202e", ("bidi_override",)),
        ("../", ("path_traversal",)),
    ],
)
def test_no_name_is_expensive_to_look_at(filler: str, labels: tuple[str, ...], around: str) -> None:
    """Ends at all: a pattern that backtracks would take hours here."""
    raw = around + filler * 200_000 + around

    shown = display_name(raw)

    assert_harmless(shown)
    assert taken_apart(content_disposition(raw, inline=False)) == ("attachment", shown)
    assert deceptions(raw) == labels

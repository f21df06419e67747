"""Folded text: the same for everything that a reader takes for the same, and bounded; JSON made harmless."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filewallball.text import fold, is_deceptive, sanitize_json, sanitize_lines

ALL = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("report.txt", "REPORT.TXT"),
        ("ÉTÉ", "été"),
        ("Отчёт", "ОТЧЁТ"),
        ("보고서", unicodedata.normalize("NFD", "보고서")),
        ("straße", "STRASSE"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("ｒｅｐｏｒｔ", "report"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("3.00\u202fPM", "3.00 pm"),
    ],
)
def test_text_that_reads_alike_folds_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("İ", "i"), ("ı", "i"), ("é", "e"), ("가", "나"), ("%", "_")])
def test_different_letters_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_every_character_folds_once_and_within_the_length_of_the_column() -> None:
    folded = {character: fold(character) for character in ALL}

    assert [character for character, text in folded.items() if fold(text) != text] == []
    assert max(len(text) / len(character.encode()) for character, text in folded.items()) == 6


@given(st.text(max_size=60))
def test_form_and_case_of_a_text_make_no_difference(text: str) -> None:
    folded = fold(text)

    assert fold(folded) == folded
    assert fold(text.casefold()) == folded
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold(unicodedata.normalize(form, text)) == folded


_ITEMS = st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.text(), st.just("a" * 513))


@given(st.dictionaries(st.text(max_size=5), _ITEMS, max_size=4))
def test_an_object_is_sanitized_as_its_parts_are(value: dict[str, object]) -> None:
    assert sanitize_json(value) == {sanitize_json(name): sanitize_json(item) for name, item in value.items()}


def test_lines_stay_lines_and_nothing_else_breaks_them() -> None:
    assert (
        sanitize_lines("one\r\ntwo\rthree\n\nfour\t\u202e\u2028five", 100) == "one\ntwo\nthree\n\nfour���five"
    )
    assert sanitize_lines("가\n나", 6) == "가\n"


@pytest.mark.parametrize(
    ("text", "expected"), [("보고서 1", False), ("👩‍👧", False), ("a\u202egnp.exe", True), ("a\tb", True)]
)
def test_a_text_that_reads_as_another_is_known(text: str, expected: bool) -> None:
    assert is_deceptive(text) is expected

"""The words of the pages that are shown where a file cannot be had."""

from filewallball.console.texts import LANGUAGES, kind_of, text_of, words_of
from filewallball.errors import catalogue


def test_every_error_has_words_in_every_language() -> None:
    for language in LANGUAGES:
        assert set(words_of(language)) == set(words_of("en"))
        for error in catalogue():
            said = text_of(kind_of(error.code, error.status), language)
            assert said.title, error.code
            assert said.text.format(seconds=1), error.code

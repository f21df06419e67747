"""The words of the reference in another language: `korean.yaml`, which maps each English text to its translation."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml

KOREAN = Path(__file__).with_name("korean.yaml")

Say = Callable[[str], str]


def in_english(text: str) -> str:
    """`text` itself, which is written in English."""
    return text


def in_korean(text: str) -> str:
    """The translation of `text`; the empty text has none. Raises LookupError if it was not translated."""
    found = words().get(text, text if not text else None)
    if found is None:
        raise LookupError(f"korean.yaml has no translation of {text!r}")
    return found


@cache
def words() -> dict[str, str]:
    """Every English text with its translation."""
    groups = yaml.safe_load(KOREAN.read_text())
    return {english: korean for group in groups.values() for english, korean in group.items()}

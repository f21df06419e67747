"""The Korean pages say what the English ones do: the same headings, tables and commands, each text translated."""

import re
from pathlib import Path

import pytest

from filewallball import create_app
from filewallball.ops import reference
from filewallball.ops.alert_rules import rules
from filewallball.ops.translation import in_korean, words
from filewallball.settings.loading import load_settings
from harness import ROOT

DOCS = ROOT / "docs"
KOREAN = DOCS / "ko"
# Not translated: for contributors, and the figures.
ENGLISH_ONLY = {"architecture.md", "performance.md"}
# Headings that are the same in both languages.
NAMES = {"FileWallBall", "2. MariaDB", "3. Redis"} | {rule.name for rule in rules(load_settings({}))}
PAIRS = {
    "README.md": (ROOT / "README.md", ROOT / "README.ko.md"),
    **{
        str(page.relative_to(KOREAN)): (DOCS / page.relative_to(KOREAN), page)
        for page in sorted(KOREAN.glob("**/*.md"))
    },
}
both = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)


def code(text: str) -> list[str]:
    """The blocks of code, without their comments."""
    blocks = re.findall(r"^```.*?^```$", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r"\s+(?:#|--) .*$", "", block, flags=re.MULTILINE) for block in blocks]


def outline(text: str) -> list[int | tuple[int, int]]:
    """The levels of the headings, and the columns and rows of the tables, in their order."""
    found: list[int | tuple[int, int]] = []
    table: list[str] = []
    for line in [*re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE).splitlines(), ""]:
        if line.startswith("|"):
            table.append(line)
            continue
        if table:
            found.append((re.sub(r"`[^`]*`", "", table[0]).count("|"), len(table)))
            table = []
        if line.startswith("#"):
            found.append(len(line) - len(line.lstrip("#")))
    return found


def flat(text: str) -> str:
    """The text without its blocks of code, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def names(text: str) -> set[str]:
    """What is between backticks outside of code: names, which no translation changes."""
    return set(re.findall(r"`([^`]+)`", flat(text)))


def test_every_page_is_there_in_korean() -> None:
    pages = {str(page.relative_to(DOCS)) for page in DOCS.glob("**/*.md") if KOREAN not in page.parents}

    assert pages - ENGLISH_ONLY == PAIRS.keys() - {"README.md"}
    assert pages >= ENGLISH_ONLY


@both
def test_headings_and_tables_are_the_same(pair: tuple[Path, Path]) -> None:
    english, korean = (page.read_text() for page in pair)

    assert outline(korean) == outline(english)
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", korean, flags=re.DOTALL), re.MULTILINE)
    assert {each for each in headings if not re.search("[가-힣]", each)} <= NAMES


@both
def test_commands_and_examples_are_the_same(pair: tuple[Path, Path]) -> None:
    english, korean = (page.read_text() for page in pair)

    assert code(korean) == code(english)


@both
def test_no_name_is_lost(pair: tuple[Path, Path]) -> None:
    english, korean = (page.read_text() for page in pair)

    assert names(english) - names(korean) == set()


def test_no_translation_is_left_over(tmp_path: Path) -> None:
    asked: set[str] = set()

    def noting(text: str) -> str:
        asked.add(text)
        return in_korean(text)

    app = create_app(load_settings({"DATA_DIR": str(tmp_path)}))
    for page in (KOREAN / "reference").glob("*.md"):
        assert reference.refresh(page.read_text(), app, noting) == page.read_text(), "run `make reference`"
    assert words().keys() - asked == set()


def test_a_text_without_a_translation_is_named() -> None:
    with pytest.raises(LookupError, match="a text that nobody wrote"):
        in_korean("a text that nobody wrote")

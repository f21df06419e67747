"""The runbook: a section for each alert, from the text of `docs/runbook.md`, which the package carries along."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SOURCE = Path(__file__).parent / "static" / "runbook.md"
_HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the runbook; that of an alert has its name. `text` is Markdown, `html` the same as HTML."""

    name: str
    level: int
    text: str

    @property
    def anchor(self) -> str:
        """The fragment that leads to it: for an alert, as the rules' links have it."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def is_of_alert(self) -> bool:
        return self.level == 3

    @property
    def html(self) -> str:
        return _html(self.text)


@lru_cache(1)
def sections() -> tuple[Section, ...]:
    """All sections in order, the introduction first."""
    return tuple(_split(SOURCE.read_text(encoding="utf-8")))


def section_of(alert: str) -> Section | None:
    """The section of an alert; None where the runbook has none of that name."""
    return _of_alerts().get(alert)


@lru_cache(1)
def _of_alerts() -> dict[str, Section]:
    return {section.name: section for section in sections() if section.is_of_alert}


def _split(text: str) -> Iterator[Section]:
    """The sections of the text; a line in a block of code is no heading, whatever it begins with."""
    bare = re.sub(
        r"^```.*?^```", lambda code: re.sub(r"[^\n]", " ", code[0]), text, flags=re.MULTILINE | re.DOTALL
    )
    headings = list(_HEADING.finditer(bare))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        end = len(text) if following is None else following.start()
        yield Section(heading[2], len(heading[1]), text[heading.end() : end].strip())


@lru_cache(256)
def _html(text: str) -> str:
    from markdown_it import MarkdownIt  # only the process that is asked for the runbook pays for it

    html: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return html

"""Output for people and programs: foreign text made harmless, JSON lines, tables, and progress on a terminal."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from filewallball_client.errors import ClientError, LocalError, Refused
from filewallball_client.naming import is_harmful
from filewallball_client.records import StoredFile

Show = Callable[..., None]
_COLUMNS = ("file_id", "size", "upload time", "visibility", "name")


class Terminal:
    """Results go to standard output, everything else to standard error."""

    def __init__(self, *, as_json: bool, is_quiet: bool) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        self.as_json = as_json
        self._out = Console(markup=False, highlight=False, emoji=False)
        self._err = Console(stderr=True, markup=False, highlight=False, emoji=False)
        self._shows_progress = not is_quiet and self._err.is_terminal and not self._err.is_dumb_terminal
        self._progress: Progress | None = None

    def say(self, message: str) -> None:
        """A remark or a failure, for people."""
        if self._progress is not None:
            self._progress.console.print(Text(f"fwb: {printable(message)}"), soft_wrap=True)
        else:
            print(f"fwb: {printable(message)}", file=sys.stderr, flush=True)  # noqa: T201

    def result(self, text: str, record: dict[str, Any]) -> None:
        """One result: a line of text, or its record as a line of JSON."""
        self.line(json_line(record) if self.as_json else printable(text))

    def fail(self, item: str, error: ClientError) -> None:
        """Tell what failed, and in JSON too."""
        self.say(f"{item}: {error}" if item and not isinstance(error, LocalError) else str(error))
        if self.as_json:
            problem = asdict(error.problem) if isinstance(error, Refused) else {"title": str(error)}
            self.line(json_line({"item": item, "error": problem}))

    def line(self, text: str) -> None:
        print(text, flush=True)  # noqa: T201

    def listing(self, files: Sequence[StoredFile]) -> None:
        """Files as a table on a terminal, else with a tab between columns."""
        if not self._out.is_terminal:
            for file in files:
                self.line("\t".join(printable(cell) for cell in _cells(file, str(file.file_size))))
            return
        table = Table(box=None, pad_edge=False)
        for name in _COLUMNS:  # an id that is cut is no use, so the name gives way
            table.add_column(
                name, no_wrap=name != "name", overflow="fold", min_width=36 if name == "file_id" else None
            )
        for file in files:
            table.add_row(*(Text(printable(cell)) for cell in _cells(file, decimal(file.file_size))))
        self._out.print(table)

    @contextmanager
    def progress(self, name: str) -> Iterator[Show]:
        """A bar with the rate and the time that is left; nothing where standard error is no terminal."""
        if not self._shows_progress:
            yield lambda done, total, label="": None
            return
        with _bar(self._err) as progress:
            self._progress = progress
            task = progress.add_task("", total=None)
            title = printable(name)

            def show(done: int, total: int, label: str = "") -> None:
                description = f"{title} ({label})" if label else title
                progress.update(task, completed=done, total=total, description=description)

            try:
                yield show
            finally:
                self._progress = None


def printable(text: str) -> str:
    """Text without anything that a terminal obeys, written as escapes instead."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) if is_harmful(character) else character for character in text)


def json_line(record: dict[str, Any]) -> str:
    """One line of JSON in which everything that a terminal would obey is escaped."""
    text = json.dumps(record, ensure_ascii=False)
    return "".join(_json_escaped(each) if is_harmful(each) else each for each in text)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _cells(file: StoredFile, size: str) -> tuple[str, str, str, str, str]:
    return file.file_id, size, file.upload_time, file.visibility, file.filename


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _json_escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

"""What commands print: tables where people read, columns separated by tabs or JSON for programs, and their progress."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from filewallball.clock import rfc3339
from filewallball.commands.streams import writes_all
from filewallball.text import sanitize

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_LONGEST_CELL = 4096


def answer(data: Any, *lines: str, as_json: bool) -> None:
    """Print the lines, or the same as JSON."""
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=not writes_all(sys.stdout)))
        return
    for line in lines:
        click.echo(line)


def objects(rows: Iterable[Any], columns: Iterable[str]) -> list[dict[str, Any]]:
    """Rows as JSON has them: numbers as such, `*_us` as a time, nothing as null."""
    names = list(columns)
    return [{_title(name): _value(name, getattr(row, name)) for name in names} for row in rows]


def table(rows: Iterable[Any], columns: Iterable[str], *, as_json: bool = False) -> None:
    """Print rows under their column names, `*_us` as a time, nothing as `-`; as JSON a list of objects.

    On a terminal columns are aligned and times end with the second; elsewhere they are separated by tabs, a line each,
    so that programs can split them.
    """
    names = list(columns)
    if as_json:
        answer(objects(rows, names), as_json=True)
        return
    titles, are_read = [_title(name) for name in names], sys.stdout.isatty()
    lines = [[_cell(name, getattr(row, name), is_short=are_read) for name in names] for row in rows]
    if are_read:
        show_table(titles, lines)
        return
    for line in (titles, *lines):
        click.echo("\t".join(line))


def short_time(time: str) -> str:
    """A time of RFC 3339 for people, to the second: `2026-01-31 12:34:56Z`."""
    return f"{time[:19].replace('T', ' ')}Z"


def show_table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print aligned columns, as wide as the terminal, but no narrower than their titles; what is longer goes on in the
    next line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        shown.add_column(title.upper(), overflow="fold")
    for line in lines:
        shown.add_row(*(Text(cell) for cell in line))
    console = Console(highlight=False)
    console.width = max(console.width, sum(len(title) + 2 for title in titles))  # or nothing could be read
    console.print(shown)


@contextmanager
def progress(total: int, label: str) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, moved on by the function that is yielded; nothing where nobody watches."""
    with click.progressbar(
        length=max(1, total), label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        yield bar.update
        if not total:
            bar.update(1)


@contextmanager
def under_way(label: str) -> Iterator[Callable[[str], None]]:
    """A sign of life on standard error for work of unknown length; the function changes the words beside it."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status(label, spinner="line") as status:
        yield status.update


def _title(name: str) -> str:
    return name.removesuffix("_us")


def _cell(name: str, value: Any, *, is_short: bool) -> str:
    shown = _value(name, value)
    if shown is None or shown == "":
        return "-"
    if is_short and name.endswith("_us"):
        return short_time(shown)
    return sanitize(str(shown), _LONGEST_CELL)


def _value(name: str, value: Any) -> Any:
    return rfc3339(value) if name.endswith("_us") and value is not None else value

"""Folders that commands are given."""

from pathlib import Path
from typing import Any

import click


class Folder(click.Path):
    """A folder, there or not. An empty text is none: a variable that is not set must not stand for this folder."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("It is empty: name a folder.", param, ctx)
        return super().convert(value, param, ctx)

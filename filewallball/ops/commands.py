"""`filewallball ops …`: the configuration of the programs around the service; `reference`: tables of the docs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from filewallball.commands import plain_failures, with_app
from filewallball.commands.output import answer, json_option
from filewallball.commands.paths import Folder
from filewallball.ops.artifacts import ARTIFACTS, host_settings
from filewallball.ops.rendering import stale, write

if TYPE_CHECKING:
    from flask import Flask


@click.command()
@click.option(
    "--out",
    type=Folder(),
    default=Path("ops"),
    show_default=True,
    help="Folder to write below.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; name what differs and end with 1 if anything does."
)
@json_option
@plain_failures
def render(out: Path, check: bool, as_json: bool) -> None:
    """Write the configuration of Prometheus, Alertmanager and the rest from the environment."""
    settings = host_settings()
    if not check:
        paths = [str(path) for path in write(ARTIFACTS, settings, out)]
        answer(paths, *paths, as_json=as_json)
        return
    names = list(stale(ARTIFACTS, settings, out))
    answer(names, *(f"stale: {name}" for name in names), as_json=as_json)
    sys.exit(1 if names else 0)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_app
def reference(app: "Flask", files: tuple[Path, ...]) -> None:
    """Bring the tables in FILES up to date with the code: settings, errors, routes, roles, metrics, alerts."""
    from filewallball.ops import reference as tables

    for path in files:
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise click.BadParameter(f"{path} is no text.") from error
        path.write_text(tables.refresh(text, app, tables.language_of(path)), "utf-8")

"""The command line: `filewallball …`. A call imports the one command that it runs, for all of them take a second."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from filewallball import create_app, open_service
from filewallball.commands import Makers, plain_failures
from filewallball.commands.streams import prepare_streams
from filewallball.commands.table import COMMANDS, Entry, Group
from filewallball.filesystem import close_to_others
from filewallball.imports import collector_paused, keep_what_is_loaded, telemetry_hidden
from filewallball.text import is_undecoded, nearly

_DEFAULT_ENV_FILE = Path(".env")


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and lists all of them without importing any."""

    def __init__(self, *args: Any, entries: dict[str, Entry], **options: Any) -> None:
        super().__init__(*args, **options)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        if isinstance(entry, Group):
            return LazyGroup(cmd_name, help=entry.about, entries=entry.commands)
        module, _, name = entry.place.partition(":")
        with collector_paused(), telemetry_hidden():
            command: click.Command = getattr(import_module(f"filewallball.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = None if args[0] in self._entries or ctx.resilient_parsing else nearly(args[0], self._entries)
        if near:
            raise click.UsageError(f"No such command '{args[0]}'; did you mean '{near}'?", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        named = [(name, about) for name, about in self._abouts() if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=about) for name, about in named), *options]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(self._abouts())

    def _abouts(self) -> list[tuple[str, str]]:
        return [(name, self._entries[name].about) for name in sorted(self._entries)]


class Program(LazyGroup):
    """The command line as a whole: what every call has in common before a command is found."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run as a process of its own; `main` is for those who go on."""
        keep_what_is_loaded()
        return self.main(*args, **options)

    def main(self, *args: Any, **options: Any) -> Any:
        prepare_streams()
        return plain_failures(super().main)(*args, **options)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any(is_undecoded(text) for text in args):
            raise click.UsageError("An argument is no text in the encoding of this locale.", ctx)
        return super().parse_args(ctx, args)


@click.group(
    cls=Program, entries=COMMANDS, context_settings={"obj": Makers(service=open_service, app=create_app)}
)
@click.version_option(package_name="filewallball")
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of settings, one NAME=value per line; .env by default. The environment takes precedence.",
)
def main(env_file: Path | None) -> None:
    """Operate a FileWallBall service. Settings come from the environment."""
    close_to_others()
    if env_file is not None or _DEFAULT_ENV_FILE.is_file():
        _read_settings(env_file or _DEFAULT_ENV_FILE)


def _read_settings(path: Path) -> None:
    from filewallball.settings.env_file import read_env_file

    plain_failures(read_env_file)(path)

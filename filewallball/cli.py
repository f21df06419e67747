"""The command line: `filewallball …`. A call imports the one command that it runs, for all of them take a second."""

from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from filewallball import create_app
from filewallball.collector import collector_paused
from filewallball.filesystem import close_to_others

COMMANDS = {
    "alerts": ("alerts.commands:alerts", "Alerts and the channels that they take."),
    "audit": ("audit.commands:audit", "The audit log: prove it, take it out, shorten it."),
    "backup": ("backup.commands:backup", "Take backups into a folder, and bring them back."),
    "blocks": ("access.commands:blocks", "Blocked networks."),
    "db": ("serving.commands:db", "The database schema."),
    "doctor": ("doctor.commands:doctor", "Check this host before and after a deployment."),
    "drain": ("serving.commands:drain", "Ask load balancers to send requests elsewhere."),
    "maintain": (
        "serving.commands:maintain",
        "Run the periodic jobs in this process, until it is told to stop.",
    ),
    "ops": ("ops.commands:ops", "Configuration of the programs around the service."),
    "prepare": (
        "serving.commands:prepare",
        "Make everything ready to start: folders, database schema, first administrator.",
    ),
    "quarantine": ("files.commands:quarantine", "Suspicious files, kept but not served."),
    "quotas": ("access.commands:quotas", "What users and addresses keep and may keep."),
    "reconcile": (
        "reconcile.commands:reconcile",
        "Compare statistics, audit log, files table, disk and metrics.",
    ),
    "reference": ("ops.commands:reference", "Bring the tables in FILES up to date with the code."),
    "scrub": ("serving.commands:scrub", "Read every stored byte now and compare."),
    "serve": ("serving.serve:serve", "Prepare what is missing and serve until Ctrl-C."),
    "stats": ("stats.commands:stats", "Statistics: sums over the audit log."),
    "tokens": ("access.commands:tokens", "Bearer tokens."),
    "upgrade": (
        "audit.upgrade:upgrade",
        "Upgrades that several hosts or processes go through one after the other.",
    ),
    "users": ("access.commands:users", "Users and their roles."),
}
"""Where each command is, below `filewallball.`, and the beginning of its help."""

_DEFAULT_ENV_FILE = Path(".env")


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and lists all of them without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        with collector_paused():
            command: click.Command = getattr(import_module(f"filewallball.{module}"), name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        named = [
            (name, about) for name, (_, about) in sorted(COMMANDS.items()) if name.startswith(incomplete)
        ]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=about) for name, about in named), *options]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in sorted(COMMANDS.items())])


@click.group(cls=LazyGroup, context_settings={"obj": create_app})
@click.version_option(package_name="filewallball")
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with a setting a line, NAME=value; .env by default. The environment wins.",
)
def main(env_file: Path | None) -> None:
    """Operate a FileWallBall service. Settings come from the environment."""
    close_to_others()
    if env_file is not None or _DEFAULT_ENV_FILE.is_file():
        _read_settings(env_file or _DEFAULT_ENV_FILE)


def _read_settings(path: Path) -> None:
    from filewallball.commands import plain_failures
    from filewallball.settings.env_file import read_env_file

    plain_failures(read_env_file)(path)

"""The command `fwb`: its arguments, and its exit codes."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from filewallball_client import commands
from filewallball_client.errors import (
    ClientError,
    OutcomeUnknown,
    Refused,
    SettingsError,
    Unreachable,
)
from filewallball_client.settings import load_settings
from filewallball_client.terminal import Terminal
from filewallball_client.version import __version__

USAGE, REFUSED, UNREACHABLE, UNKNOWN, INTERRUPTED, BROKEN_PIPE, TERMINATED = 2, 1, 3, 4, 130, 141, 143
_EPILOG = """\
environment:
  FWB_SERVER         the service, such as https://files.example.org
  FWB_TOKEN          the token; or FWB_TOKEN_FILE, a file of mode 0600, usually ~/.config/fwb/token
  FWB_DELETE_TOKEN   for `rm` of a file uploaded without a token by another machine

exit codes:
  0 all done   1 refused, or a file could not be read, written or verified   2 usage or settings
  3 the service could not be reached or stayed busy   4 it is not known whether the file was stored
  130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(TERMINATED)
    )  # so that the terminal gets its cursor back
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command. Returns its exit code."""
    options = _parser().parse_args(arguments)
    terminal = Terminal(as_json=options.as_json, is_quiet=options.quiet)
    try:
        settings = load_settings(options.server, options.token_file)
        seconds = options.usual_seconds if options.retry_seconds is None else options.retry_seconds
        session = commands.Session(settings, terminal, seconds)
        failures = options.run(session, options)
    except ClientError as error:
        failures = [error]
        terminal.fail("", error)
    except KeyboardInterrupt:
        terminal.say("Interrupted. The same command goes on with what has begun.")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush into it
        return BROKEN_PIPE
    return max((code_of(error) for error in failures), default=0)


def code_of(error: ClientError) -> int:
    """The exit code for an outcome; of several, the highest is the command's."""
    if isinstance(error, SettingsError):
        return USAGE
    if isinstance(error, OutcomeUnknown):
        return UNKNOWN
    if isinstance(error, Unreachable) or (isinstance(error, Refused) and error.is_passing):
        return UNREACHABLE
    return REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fwb",
        description="Upload files to a FileWallBall service, and fetch them back.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"fwb {__version__}")
    _add_common(parser, is_top=True)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_upload, _add_get, _add_ls, _add_rm, _add_info):
        add(subparsers)
    return parser


def _add_common(parser: argparse.ArgumentParser, *, is_top: bool = False) -> None:
    """Options that may stand before the command and behind it."""

    def default(value: object) -> object:
        return value if is_top else argparse.SUPPRESS  # what stood before the command stays

    parser.add_argument("--server", default=default(""), metavar="URL", help="the service (or FWB_SERVER)")
    parser.add_argument(
        "--token-file",
        default=default(""),
        metavar="FILE",
        help="file of mode 0600 with the token (or FWB_TOKEN)",
    )
    parser.add_argument("--token", action=_NoToken, help=argparse.SUPPRESS)
    parser.add_argument(
        "--json",
        action="store_true",
        dest="as_json",
        default=default(False),
        help="one line of JSON for each result",
    )
    parser.add_argument("-q", "--quiet", action="store_true", default=default(False), help="show no progress")
    parser.add_argument(
        "--retry-max-time",
        type=_seconds,
        dest="retry_seconds",
        default=default(None),
        metavar="SECONDS",
        help="how long to retry without progress (default: 300 for upload and get, else 20)",
    )


def _add_upload(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _command(
        subparsers,
        "upload",
        "upload files, folders (each file in them under its own name), or standard input (-)",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE")
    visibility = parser.add_mutually_exclusive_group()
    for name, text in (("public", "listed for everybody"), ("private", "for yourself and administrators")):
        visibility.add_argument(
            f"--{name}", action="store_const", const=name, dest="visibility", default="", help=text
        )
    parser.add_argument(
        "--expires", default="", metavar="DURATION", help="let the file expire after 12h, 7d, …"
    )
    parser.add_argument("--description", default="", metavar="TEXT")
    parser.add_argument("--name", default="", help="the name to store it under; standard input needs one")
    parser.set_defaults(run=commands.upload, usual_seconds=300.0)


def _add_get(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _command(subparsers, "get", "download files; partial downloads are continued")
    parser.add_argument("references", nargs="+", metavar="URL-or-ID")
    parser.add_argument(
        "-o", "--output", default="", metavar="PATH", help="file, folder, or - for standard output"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    parser.set_defaults(run=commands.get, usual_seconds=300.0)


def _add_ls(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _command(subparsers, "ls", "list public files and your own, newest first")
    parser.add_argument("--name", default="", help="part of the name")
    parser.add_argument("--type", default="", metavar="TYPE", help="media type: image/png, image/*")
    parser.add_argument(
        "--limit", type=_count, default=200, metavar="N", help="at most N files; 0 = all (default: 200)"
    )
    parser.set_defaults(run=commands.ls, usual_seconds=20.0)


def _add_rm(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _command(subparsers, "rm", "delete files permanently")
    parser.add_argument("references", nargs="+", metavar="URL-or-ID")
    parser.set_defaults(run=commands.rm, usual_seconds=20.0)


def _add_info(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _command(subparsers, "info", "show what the service knows about files")
    parser.add_argument("references", nargs="+", metavar="URL-or-ID")
    parser.set_defaults(run=commands.info, usual_seconds=20.0)


def _command(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )
    _add_common(parser)
    return parser


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (seconds := float(text)) <= 1e9:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")


def _count(text: str) -> int:
    with suppress(ValueError):
        if (count := int(text)) >= 0:
            return count
    raise argparse.ArgumentTypeError(f"{text!r} is no count")


class _NoToken(argparse.Action):
    """Refuses a token among the arguments, where every user of the machine could read it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        parser.error(
            "a token is never an argument, for others can read it there: use FWB_TOKEN or --token-file"
        )

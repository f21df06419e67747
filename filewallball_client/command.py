"""The program `fwb`: Ctrl-C ends it without a word while it still loads its libraries."""

import signal


def main() -> None:
    """Run the command of the command line."""
    if (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):  # else whoever started it ignores Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from filewallball_client import cli

    cli.main()

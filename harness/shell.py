"""The command line without a process of its own: what `filewallball …` does under some settings, ten times as fast."""

import os
import subprocess
import sys
from collections.abc import Mapping

from click.testing import CliRunner

from filewallball.cli import main
from harness import ROOT

# Whoever types has Ctrl-C, which a job in the background, as a run of the tests may be, was started without.
_PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from filewallball.cli import main; sys.exit(main())"
)


class Shell:
    """Somebody who types commands; `environ` are the settings."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)

    def run(self, *arguments: str) -> str:
        """The command's output; raises RuntimeError with all it said when it fails."""
        done = CliRunner(env=self.environ).invoke(main, arguments)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        if done.exit_code:
            raise RuntimeError(f"filewallball {' '.join(arguments)} failed:\n{done.output}")
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The command as a process, for whoever wants to kill it."""
        environ = {**os.environ, **self.environ}
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

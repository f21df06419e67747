"""The command `fwb`, run in this process or as one of its own, with a home folder of the test's."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from filewallball_client import cli

PROGRAM = str(Path(sys.executable).with_name("fwb"))


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@dataclass
class Fwb:
    """Runs `fwb` against `server`; `environ` are further environment variables."""

    home: Path
    server: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, stdin: bytes = b"", **environ: str) -> Done:
        """Run it in this process."""
        self.capsys.readouterr()
        with self.monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("FWB_", "XDG_"))]:
                patch.delenv(name)
            for name, value in {**self.variables, **environ}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            try:
                code = cli.run([str(each) for each in arguments])
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Done(code, *self.capsys.readouterr())

    def start(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start it as a process of its own."""
        environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **self.variables}
        return subprocess.Popen([PROGRAM, *map(str, arguments)], env=environ, **options)

    @property
    def variables(self) -> dict[str, str]:
        return {"HOME": str(self.home), "FWB_SERVER": self.server, **self.environ}

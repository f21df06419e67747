"""Peers from the package index, each in a virtual environment of its own that later runs find again."""

import subprocess
import sys
from pathlib import Path

_FOLDER = Path(__file__).parent


def install(name: str, program: str, cache: Path) -> Path | None:
    """The path of `program`, or None when the package cannot be had here, which is then said in one line."""
    environment = cache / name
    python = environment / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    try:
        if not python.exists():
            _run([sys.executable, "-m", "venv", "--clear", str(environment)])
        _run([*pip, "install", "--require-hashes", "-r", str(_FOLDER / f"{name}.txt")])
    except (OSError, subprocess.CalledProcessError) as error:
        reason = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        print(f"{name} is left out, as it cannot be installed: {reason}", flush=True)
        return None
    return environment / "bin" / program


def version(name: str) -> str:
    """The release that is pinned."""
    pinned = (_FOLDER / f"{name}.in").read_text().partition("==")[2]
    return pinned.strip()


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)

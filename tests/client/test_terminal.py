"""What is printed holds nothing that a terminal obeys, and progress is shown on a terminal alone."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from filewallball_client.terminal import json_line, printable
from harness.waiting import wait_until
from tests.client.command import Fwb

HOSTILE = "a\x1b[2J\x07\x7f\x9b31m\u202e\u2066\udcff\r\nb"


def test_controls_and_direction_marks_are_written_as_escapes() -> None:
    shown = printable(HOSTILE)

    assert shown == r"a\x1b[2J\x07\x7f\x9b31m\u202e\u2066\udcff\r\nb"
    assert printable("한글 이름 👩\u200d🚀 é.txt") == "한글 이름 👩\u200d🚀 é.txt"


@pytest.mark.parametrize("text", [HOSTILE, "한글", '"\\', "\U000e0041"])
def test_json_holds_the_same_text_and_nothing_that_a_terminal_obeys(text: str) -> None:
    line = json_line({"name": text})

    assert json.loads(line) == {"name": text}
    assert line.isprintable()


def test_nothing_but_text_goes_into_a_pipe(fwb: Fwb, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31mb.txt"
    path.write_bytes(os.urandom(9 * 1024 * 1024))

    for arguments in (["upload", str(path)], ["upload", f"{path}-missing"], ["ls"]):
        process = fwb.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        assert b"\x1b" not in out + err


def test_a_terminal_shows_how_far_it_is_and_harmless_names(fwb: Fwb, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m[red]b.txt"
    path.write_bytes(os.urandom(9 * 1024 * 1024))

    shown = on_a_terminal(fwb, "upload", str(path), "--public")

    assert r"a\x1b[31m[red]b.txt" in shown
    assert "a\x1b[31m" not in shown
    assert "MB" in shown
    listed = on_a_terminal(fwb, "ls", "--name", "[red]b.txt")
    assert "[red]b.txt" in listed
    assert "9.4 MB" in listed


def test_ctrl_c_while_the_libraries_are_loaded_ends_it_without_a_word(fwb: Fwb, tmp_path: Path) -> None:
    loading = tmp_path / "loading"
    (tmp_path / "httpx.py").write_text(
        f"import signal\nfrom pathlib import Path\nPath({str(loading)!r}).touch()\nsignal.pause()\n"
    )
    fwb.environ |= {"PYTHONPATH": str(tmp_path)}
    with fwb.start("ls", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(loading.exists, 60, "it loads its libraries")

        process.send_signal(signal.SIGINT)

        assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == -signal.SIGINT


def on_a_terminal(fwb: Fwb, *arguments: str) -> str:
    """What a command prints on a terminal of 200 columns, which its standard streams are."""
    fwb.environ |= {"TERM": "xterm-256color", "COLUMNS": "200"}
    controller, terminal = pty.openpty()
    process = fwb.start(*arguments, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    pieces = []
    try:
        while piece := os.read(controller, 65536):
            pieces.append(piece)
    except OSError:  # the terminal has no other end any more
        pass
    os.close(controller)
    assert process.wait(timeout=60) == 0
    return b"".join(pieces).decode()

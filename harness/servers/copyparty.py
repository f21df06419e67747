"""A private copyparty: one folder that anybody may read and write, indexed and deduplicated."""

from pathlib import Path

import requests

from harness.servers.base import Server


class Copyparty(Server):
    """`program` is the installed command; `files` is the folder that it serves as `/`."""

    death_signal = "TERM"  # its workers outlive a parent that is killed outright

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder)
        self._program = program
        self.files = folder / "files"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        listening = ["-i", "127.0.0.1", "-p", str(self.port), "--no-crt"]
        return [str(self._program), "-q", *listening, "-j0", "-e2d", "--dedup", "-v", f"{self.files}::rw"]

    def environment(self) -> dict[str, str]:
        folder = str(self.folder)  # its sessions and certificates must not go into the user's home
        return {**super().environment(), "HOME": folder, "XDG_CONFIG_HOME": folder, "TMPDIR": folder}

    def is_ready(self) -> bool:
        try:
            return requests.get(self.url, timeout=5).ok
        except requests.RequestException:
            return False

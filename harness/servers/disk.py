"""A file system of its own on which writing can be made to hang, as on a disk that does not answer."""

import subprocess
from pathlib import Path

_BYTES = 64 * 1024 * 1024


class Disk:
    """An ext4 in a file, mounted at `folder`; mounting takes the rights of root."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        with image.open("wb") as file:
            file.truncate(_BYTES)
        _run("mkfs.ext4", "-q", "-F", image)
        _run("mount", "-o", "loop", image, folder)

    def pause(self) -> None:
        """From now on whoever writes hangs in the kernel, where no signal reaches it."""
        _run("fsfreeze", "--freeze", self.folder)

    def resume(self) -> None:
        """Let them go on; they did not notice."""
        _run("fsfreeze", "--unfreeze", self.folder)

    def kill(self) -> None:
        """Unmount it, whatever state it is in."""
        subprocess.run(["fsfreeze", "--unfreeze", self.folder], stderr=subprocess.DEVNULL, check=False)
        _run("umount", "--lazy", self.folder)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)

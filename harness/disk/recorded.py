"""An ext4 file system on a block device that keeps a log of every write and flush that reaches it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from harness.servers.base import Server
from harness.waiting import wait_until

_IMAGE_BYTES = 192 * 1024 * 1024
_INODES = 40_000


class RecordedDisk:
    """Mounted at `folder` between `start` and `stop`; `blank` is its image as it was before `log` began."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.blank, self.log = root / "blank", root / "log"
        self.folder = root / "mounted"
        self._image, self._device = root / "image", root / "device"
        self._nbdkit = _Nbdkit(root / "nbdkit", self._image, self.log)
        self._nbdfuse = _Nbdfuse(root / "nbdfuse", self._nbdkit.socket, self._device)

    @property
    def position(self) -> int:
        """The length of the log: what was on the disk when it was read lies before it."""
        return self.log.stat().st_size

    def start(self) -> Self:
        """Make the file system and mount it."""
        for folder in (self.folder, self._device):
            folder.mkdir()
        make_file_system(self.blank)
        shutil.copyfile(self.blank, self._image)
        self.log.touch()
        self._nbdkit.start()
        self._nbdfuse.start()
        subprocess.run(["mount", "-o", "loop", self._nbdfuse.file, self.folder], check=True)
        return self

    def stop(self) -> None:
        """Unmount it and end its processes; the log stays."""
        for folder in (self.folder, self._device):
            if folder.is_mount():
                _unmount(folder)
        self._nbdfuse.stop()
        self._nbdkit.stop()

    def remove(self) -> None:
        """Delete the images and the log of a disk that was stopped: they take hundreds of megabytes."""
        for path in (self.blank, self.log, self._image):
            path.unlink()


def make_file_system(image: Path) -> None:
    """Make an empty ext4 file system in a new file."""
    with image.open("wb") as file:
        file.truncate(_IMAGE_BYTES)
    at_once = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
    subprocess.run(
        ["/sbin/mkfs.ext4", "-q", "-F", "-N", str(_INODES), "-E", at_once, image],
        check=True,
    )


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """The file system of an image, which the kernel recovers from its journal as after a crash."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        yield folder
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """Unmount as soon as the last of the killed processes has let go of its files."""
    command = ["umount", str(folder)]
    wait_until(
        lambda: subprocess.run(command, capture_output=True).returncode == 0, what=f"{folder} is unmounted"
    )


class _Nbdkit(Server):
    """The block device, behind a Unix socket."""

    def __init__(self, folder: Path, image: Path, log: Path) -> None:
        super().__init__(folder)
        self.socket = folder / "socket"
        self._options = [f"image={image}", f"log={log}"]

    def command(self) -> list[str]:
        plugin = str(Path(__file__).with_name("plugin.py"))
        return ["nbdkit", "--foreground", "--unix", str(self.socket), "python", plugin, *self._options]

    def is_ready(self) -> bool:
        return self.socket.exists()


class _Nbdfuse(Server):
    """The block device as a file, which the kernel can mount."""

    def __init__(self, folder: Path, socket: Path, device: Path) -> None:
        super().__init__(folder)
        self._socket = socket
        self.file = device / "nbd"

    def command(self) -> list[str]:
        return ["nbdfuse", str(self.file), "--unix", str(self._socket)]

    def is_ready(self) -> bool:
        return self.file.exists()

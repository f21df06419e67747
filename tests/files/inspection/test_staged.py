"""Looking into files: what the disk does not give is a failure of the storage, not of the service."""

import io

import pytest

from filewallball.errors import StorageFailed
from filewallball.files.inspection.staged import Kept, read_at


def test_bytes_that_the_disk_does_not_give_are_a_failure_of_the_storage() -> None:
    # The first page of a process's own memory gives EIO, as a bad sector does.
    with io.FileIO("/proc/self/mem") as unreadable:
        with pytest.raises(StorageFailed):
            read_at(unreadable, 0, 10)
        with pytest.raises(StorageFailed):
            Kept(unreadable, 10)

"""One small number per live process, so that what a dead worker leaves behind finds a new owner."""

import atexit
import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from time import monotonic, sleep

from filewallball.filesystem import lock_now, open_lock_file

_LOCK_NAME = re.compile(r"slot-(\d+)\.lock")
_MOST = 4096
_PATIENCE_SECONDS = 1.0
_PAUSE_SECONDS = 0.005


class Slots:
    """Numbers held by flock on `slot-N.lock`: the kernel frees one the moment its process dies.

    The number stays taken until `release()` or the end of the process that took it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._guard = RLock()
        self._callbacks: list[Callable[[int], None]] = []
        self._number: int | None = None
        self._fd: int | None = None
        self._lent: set[int] = set()
        self.predecessor_died = False
        """True if the last owner of this slot ended without giving it back: killed, or the machine went down."""

    def on_acquire(self, callback: Callable[[int], None]) -> None:
        """Run `callback(number)` once in each process, before `number()` first returns (now, if it has)."""
        with self._guard:
            self._callbacks.append(callback)
            if self._number is not None:
                callback(self._number)

    def number(self) -> int:
        """This process's slot, taken on its first call. Raises OSError if no lock file can be made, and at exit."""
        if self._number is not None:
            return self._number
        with self._guard:
            return self._take() if self._number is None else self._number

    def held(self) -> int | None:
        """This process's slot if it already has one; takes none."""
        return self._number

    def unlocked(self, numbers: Iterable[int] = ()) -> Iterator[int]:
        """Every known slot, and of `numbers`, that no live process holds; locked while the caller works on it."""
        for number in sorted({*self._known(), *numbers}):
            with self.borrowed(number) as is_free:
                if is_free:
                    yield number

    def are_unused(self) -> bool:
        """True if no other process holds a slot."""
        numbers = {number for number in self._known() if number != self._number}
        return all(self._is_free(number) for number in numbers)

    def forgive(self, number: int) -> None:
        """Forget how the last owner of a slot ended. Only for a slot that is locked by the caller."""
        with suppress(FileNotFoundError):
            os.truncate(self._directory / f"slot-{number}.lock", 0)

    @contextmanager
    def borrowed(self, number: int) -> Iterator[bool]:
        """True if no live process holds the slot; then none can take it inside the block."""
        fd = self._lock(number)
        if fd is None:
            yield False
            return
        self._lent.add(number)
        try:
            yield True
        finally:
            self._lent.discard(number)
            os.close(fd)

    def release(self) -> None:
        """Give the slot back; the next `number()` takes one again."""
        with self._guard:
            if self._fd is not None:
                with suppress(OSError):
                    os.ftruncate(self._fd, 0)
                os.close(self._fd)
            self._fd = self._number = None
            _holding.discard(self)

    def _is_free(self, number: int) -> bool:
        with self.borrowed(number) as is_free:
            return is_free

    def _take(self) -> int:
        if _is_ending:
            raise OSError(errno.ESHUTDOWN, os.strerror(errno.ESHUTDOWN))
        self._directory.mkdir(parents=True, exist_ok=True)
        patient_until = monotonic() + _PATIENCE_SECONDS
        for number in self._in_order():
            fd = self._lock(number)
            while fd is None and monotonic() < patient_until and self._is_on_loan(number):
                sleep(_PAUSE_SECONDS)
                fd = self._lock(number)
            if fd is not None:
                return self._own(number, fd)
        raise OSError(f"all {_MOST} slots of {self._directory} are taken")

    def _in_order(self) -> Iterator[int]:
        """All slots; first those that nobody gave back, for what a killed owner left is counted by the next one."""
        kept = sorted(number for number in self._known() if self._is_kept(number))
        yield from kept
        yield from (number for number in range(_MOST) if number not in kept)

    def _is_kept(self, number: int) -> bool:
        try:
            return (self._directory / f"slot-{number}.lock").stat().st_size > 0
        except FileNotFoundError:
            return False

    def _own(self, number: int, fd: int) -> int:
        """Make the locked slot this process's own: its pid tells others that it is, and the next owner that it was."""
        try:
            self.predecessor_died = os.fstat(fd).st_size > 0
            with suppress(OSError):
                os.ftruncate(fd, 0)
                os.pwrite(fd, b"%d\n" % os.getpid(), 0)
            for callback in self._callbacks:
                callback(number)
        except BaseException:
            if not self.predecessor_died:
                os.ftruncate(fd, 0)
            os.close(fd)
            raise
        self._fd, self._number = fd, number
        _holding.add(self)
        return number

    def _is_on_loan(self, number: int) -> bool:
        """True if a locked slot has no living owner: somebody tidies up in it, and it is free again in a moment.

        Whoever took another slot instead would add to the slots in use, and so to the files, for good.
        """
        if number in self._lent:
            return False
        try:
            pid = int((self._directory / f"slot-{number}.lock").read_bytes())
            os.kill(pid, 0)
        except (ValueError, ProcessLookupError):
            return True
        except OSError:
            return False
        return False

    def _lock(self, number: int) -> int | None:
        """A descriptor holding the lock, None where another process has it; lock files are never deleted."""
        fd = open_lock_file(self._directory / f"slot-{number}.lock")
        try:
            held = lock_now(fd)
        except BaseException:
            os.close(fd)
            raise
        if not held:
            os.close(fd)
        return fd if held else None

    def _known(self) -> list[int]:
        try:
            names = [path.name for path in self._directory.iterdir()]
        except FileNotFoundError:
            return []
        return [int(match[1]) for match in map(_LOCK_NAME.fullmatch, names) if match]

    def _forget(self) -> None:
        """In a forked child: the lock belongs to the parent, so drop the copy without unlocking."""
        if self._fd is not None:
            with suppress(OSError):
                os.close(self._fd)
        self._fd = self._number = None


_holding: set[Slots] = set()
_is_ending = False
"""True once the process gives its slots back: a thread that still runs would take one that nobody gives back."""


def _release_all() -> None:
    global _is_ending
    _is_ending = True
    for slots in list(_holding):
        slots.release()


def _forget_all() -> None:
    for slots in _holding:
        slots._forget()
    _holding.clear()


os.register_at_fork(after_in_child=_forget_all)
atexit.register(_release_all)  # early, so that it runs after whatever still writes

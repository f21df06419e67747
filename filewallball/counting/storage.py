"""The storage class of `limits` whose counts all processes of one host share, through a file.

Its clock is the steady one: setting the wall clock neither ends a window nor makes it last.

Counts that were lost are never taken for unused limits: where the file was damaged, everything counts as spent for a
minute, so that no limit of a minute or less is exceeded. A longer one begins anew after that: to refuse a client for
the rest of a day, because its count is unknown, would be unfair to nearly all.
"""

import time
from collections.abc import Callable
from math import floor
from pathlib import Path
from urllib.parse import unquote, urlsplit

from limits.storage import MovingWindowSupport, SlidingWindowCounterSupport, Storage

from filewallball.clock import steady_seconds
from filewallball.counting.cells import APART, MOST, SETS, Cell, Cells
from filewallball.counting.host_file import Damaged

SCHEME = "shared-file"
_LOSS_SECONDS = 60.0
_LEEWAY_SECONDS = 1.0


class SharedFileStorage(Storage, MovingWindowSupport, SlidingWindowCounterSupport):
    """Storage at `shared-file:/path`. A method raises OSError, or Damaged where the file was damaged (see HostFile).

    `key_prefix` keeps apart what is counted in another way. Held through `file`, several calls are one.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the library's own declaration

    def __init__(
        self,
        uri: str,
        wrap_exceptions: bool = False,
        key_prefix: str = "",
        sets: int = SETS,
        clock: Callable[[], float] = steady_seconds,
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._cells = Cells(Path(unquote(urlsplit(uri).path)), sets, clock)
        self.file = self._cells.file
        """To be held by who asks several questions that belong together."""
        self._prefix = f"{key_prefix}/"
        self.is_apart = False
        """While true, what is counted is marked as such; `met_apart` tells of marks that were met."""
        self.met_apart = self.met_common = False

    @property
    def lost_until(self) -> float:
        """The steady time until which everything counts as spent, because counts were lost."""
        lost_at = self.file.header.lost_at
        return lost_at + _LOSS_SECONDS if lost_at else 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    # Fixed window

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self.file as file:
            if file.now < self.lost_until:
                return MOST
            cell = self._find(key, expiry)
            return self._raise(cell, expiry, amount)

    def get(self, key: str) -> int:
        with self.file as file:
            return MOST if file.now < self.lost_until else _amount(self._find(key).count)

    def get_expiry(self, key: str) -> float:
        with self.file as file:
            ends = self.lost_until if file.now < self.lost_until else self._find(key).expires
            return self._wall(max(ends, file.now))

    # Sliding window

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self.slide(key, limit, expiry, amount)[0]

    def slide(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> tuple[bool, tuple[int, float, int, float]]:
        """Count, if that is within the limit, and tell the window as it then is."""
        with self.file as file:
            if file.now < self.lost_until:
                return False, (0, 0.0, MOST, self.lost_until - file.now)
            cell = self._window(key, expiry)
            earlier, seconds = self._earlier(cell, expiry)
            is_within = floor(earlier * seconds / expiry + _amount(cell.count)) + amount <= limit
            if not is_within:
                self._note_apart(cell)
            elif cell.is_common:
                self._raise(cell, expiry, amount)
            else:
                cell.count = self._raised(cell.count, amount)
                self._cells.store(cell)
            return is_within, (earlier, seconds, _amount(cell.count), cell.expires - file.now)

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        with self.file as file:
            if file.now < self.lost_until:
                return 0, 0.0, MOST, self.lost_until - file.now
            cell = self._window(key, expiry)
            return *self._earlier(cell, expiry), _amount(cell.count), cell.expires - file.now

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        self.clear(key)

    # Moving window: beside the count of hits, each of the last hits has a cell, which expires when it is to leave the
    # window. The next hit takes the cell of the one that lies as many back as the limit allows.

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with self.file as file:
            if amount > limit or file.now < self.lost_until:
                return False
            head = self._find(key, expiry)
            hits, is_new = _amount(head.count), head.expires <= file.now
            head.expires = head.expires if head.is_common else file.now + expiry + _LEEWAY_SECONDS
            if is_new and not head.is_common:
                self._cells.store(head)  # or a hit might take its place
            last = head if head.is_common else self._find_hit(key, hits + amount - 1, limit)
            if last.is_common:
                self.met_common = True
                return self._acquire_common(last, limit, expiry, amount)
            if last.expires >= file.now:
                self._note_apart(head)
                return False
            for number in range(hits, hits + amount):
                self._note_hit(key, number, limit, file.now + expiry)
            head.count = (hits + amount) % (limit << 8) | (head.count | self._mark()) & APART
            self._cells.store(head)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        with self.file as file:
            if file.now < self.lost_until:
                return self._wall(self.lost_until - expiry), limit
            head = self._find(key, expiry)
            if head.is_common:
                return self._wall(max(head.expires, file.now) - expiry), _amount(head.count)
            hits = _amount(head.count)
            found = self._oldest(key, hits, limit)
            ends = self._find_hit(key, hits - found, limit).expires if found else file.now + expiry
            return self._wall(ends - expiry), found

    # All

    def check(self) -> bool:
        with self.file:
            return True

    def clear(self, key: str) -> None:
        with self.file:
            cell = self._find(key)
            if not cell.is_common:
                cell.count = cell.earlier = 0
                cell.expires = 0.0
                self._cells.store(cell)

    def reset(self) -> int | None:
        raise NotImplementedError("counts end by themselves")

    def _find(self, key: str, expiry: float | None = None) -> Cell:
        """The key's cell, with a count of 0 once it has expired."""
        cell = self._read(key, expiry)
        self.met_common = self.met_common or cell.is_common
        return cell

    def _read(self, key: str, expiry: float | None = None) -> Cell:
        cell = self._cells.find(self._prefix + key)
        now = self.file.now
        if cell.expires <= now:
            cell.count = cell.earlier = 0
        elif expiry is not None and cell.expires > now + 2 * expiry + _LEEWAY_SECONDS:
            raise Damaged("a count lasts longer than any can")
        self.met_apart = self.met_apart or bool((cell.count | cell.earlier) & APART)
        return cell

    def _raise(self, cell: Cell, expiry: float, amount: int) -> int:
        if not _amount(cell.count):
            cell.expires = self.file.now + expiry
        cell.count = self._raised(cell.count, amount)
        self._cells.store(cell)
        return _amount(cell.count)

    def _raised(self, count: int, amount: int) -> int:
        return min(_amount(count) + amount, MOST) | (count | self._mark()) & APART

    def _note_apart(self, cell: Cell) -> None:
        """Mark a count that refuses: whoever knows nothing of it must not let through what it refused."""
        if self.is_apart and not cell.count & APART:
            cell.count |= APART
            self._cells.store(cell)

    def _mark(self) -> int:
        return APART if self.is_apart else 0

    def _window(self, key: str, expiry: int) -> Cell:
        """The key's cell as of the present window: what it counted in the one before becomes `earlier`."""
        cell = self._find(key, expiry)
        if cell.is_common:
            return cell
        present = floor(self.file.now / expiry)
        ahead = present - (round(cell.expires / expiry) - 2) if cell.expires > self.file.now else 2
        if ahead < 0:
            raise Damaged("a count is of a window to come")
        if ahead:
            cell.earlier, cell.count = (cell.count if ahead == 1 else 0), 0
        cell.expires = float((present + 2) * expiry)
        return cell

    def _earlier(self, cell: Cell, expiry: int) -> tuple[int, float]:
        """The count of the window before, and the seconds for which some of it still weighs."""
        earlier = 0 if cell.is_common else _amount(cell.earlier)
        return earlier, (1 - (self.file.now / expiry) % 1) * expiry if earlier else 0.0

    def _find_hit(self, key: str, number: int, limit: int) -> Cell:
        return self._read(_hit_key(key, number % limit))

    def _note_hit(self, key: str, number: int, limit: int, expires: float) -> None:
        cell = self._find_hit(key, number, limit)
        if not cell.is_common:
            cell.count, cell.expires = 1, expires
            self._cells.store(cell)

    def _acquire_common(self, cell: Cell, limit: int, expiry: int, amount: int) -> bool:
        if _amount(cell.count) + amount > limit:
            return False
        self._raise(cell, expiry, amount)
        return True

    def _oldest(self, key: str, hits: int, limit: int) -> int:
        """The number of the last hits that are still inside the window."""
        low, high = 0, limit
        while low < high:
            middle = (low + high) // 2
            cell = self._cells.known(self._prefix + _hit_key(key, (hits - 1 - middle) % limit))
            if cell is not None and cell.expires > self.file.now:
                low = middle + 1
            else:
                high = middle
        return low

    def _wall(self, steady: float) -> float:
        """The wall clock's time at a moment of the steady one, as the library wants it."""
        return time.time() + steady - self.file.now


def _amount(count: int) -> int:
    return count & MOST


def _hit_key(key: str, number: int) -> str:
    """The key of one hit; its kind is that of the key."""
    parts = key.split("/")
    return "/".join((*parts[:-3], f"#{number}", *parts[-3:]))

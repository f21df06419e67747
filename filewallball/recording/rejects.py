"""Lines of the journal that reach no audit log: kept in `rejected.jsonl` for whoever looks into it, and counted."""

import logging
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson

from filewallball.recording.segments import FORGED, MISSING, REPEATED, Rejected

UNSTORABLE = "unstorable"
REASONS = (FORGED, REPEATED, MISSING, UNSTORABLE)
_MOST_BYTES = 64 * 1024 * 1024
_MOST_LINE_BYTES = 16 * 1024
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
logger = logging.getLogger("filewallball.audit")


class Rejects:
    """The file and the count of one host's rejected lines; the file stops growing at 64 MiB."""

    def __init__(
        self, directory: Path, count: Callable[[str, int], None] = lambda reason, amount: None
    ) -> None:
        self._path = directory / "rejected.jsonl"
        self._count = count

    def keep(self, segment: Path, rejected: Iterable[Rejected]) -> None:
        """Write the lines down, as far as that is possible, count them, and tell the log."""
        by_reason: dict[str, int] = {}
        entries = []
        for each in rejected:
            by_reason[each.reason] = by_reason.get(each.reason, 0) + each.count
            entries.append(_entry(segment, each))
        if not entries:
            return
        for reason, amount in by_reason.items():
            self._count(reason, amount)
        logger.error(
            "Lines of the journal were rejected; they are kept in rejected.jsonl",
            extra={"slot": segment.parent.name, "segment": segment.name, **by_reason},
        )
        try:
            self._append(b"".join(entries))
        except OSError:
            logger.exception("rejected.jsonl cannot be written")

    def size(self) -> int:
        """The size of the file in bytes; 0 without one."""
        try:
            return self._path.lstat().st_size
        except FileNotFoundError:
            return 0

    def _append(self, data: bytes) -> None:
        fd = os.open(self._path, _FLAGS, 0o640)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError("rejected.jsonl is no file")
            if found.st_size + len(data) <= _MOST_BYTES:
                os.write(fd, data)
        finally:
            os.close(fd)


def _entry(segment: Path, rejected: Rejected) -> bytes:
    line = rejected.raw[:_MOST_LINE_BYTES].decode(errors="backslashreplace")
    place = {"slot": segment.parent.name, "segment": segment.name}
    entry = {"reason": rejected.reason, **place, "count": rejected.count, "line": line}
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)

"""Answer bodies that know how much of them was sent, without taking sendfile away from the server."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Protocol, cast

Finish = Callable[[Callable[[], object] | None], None]


class Progress(Protocol):
    """The receiver of a body's progress (an `Exchange`)."""

    bytes_sent: int
    completed: bool
    failure: BaseException | None


class Body:
    """Passes an iterable on; a chunk counts as sent once the server asks for the next one."""

    __slots__ = ("_chunks", "_finish", "_pending", "_progress", "_source")

    def __init__(self, source: Iterable[bytes], progress: Progress, finish: Finish) -> None:
        self._source = source
        self._chunks = iter(source)
        self._progress = progress
        self._finish = finish
        self._pending = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._progress.bytes_sent += self._pending
        self._pending = 0
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self._progress.completed = True
            raise
        except BaseException as error:
            self._progress.failure = error
            raise
        self._pending = len(chunk)
        return chunk

    def close(self) -> None:
        self._finish(getattr(self._source, "close", None))


class FileBody:
    """Mixed into the server's file wrapper: the server still recognises it, so sendfile stays."""

    close: Callable[[], None]
    _progress: Progress
    _finish: Finish

    def __init__(self, file: Any, block_size: int = 8192) -> None:
        self._file = _CountedFile(file)
        super().__init__(self._file, block_size)  # type: ignore[call-arg]

    def watch(self, progress: Progress, finish: Finish) -> None:
        """Report to `progress` and call `finish` at the end."""
        self._progress = progress
        self._finish = finish
        self.close = self._close  # after super().__init__, which sets the file's own close on the instance

    def _close(self) -> None:
        self._progress.bytes_sent += self._file.settle()
        self._progress.completed = self._file.ran_out
        self._finish(self._file.close)


@lru_cache(maxsize=8)
def file_body(server_wrapper: type) -> type:
    """The server's file wrapper class with `FileBody` mixed in; itself if it has it already."""
    if issubclass(server_wrapper, FileBody):
        return server_wrapper
    return type("FileBody", (FileBody, server_wrapper), {})


class _CountedFile:
    """A file that knows how far the server got, whether it reads blocks or hands the descriptor to sendfile.

    `socket.sendfile` ends with a seek to the byte after the last one sent, even when it fails. gunicorn then
    rewinds the descriptor behind the file's back; `settle` puts the file back to where the bytes ended.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._start: int = file.tell() if hasattr(file, "tell") else 0
        self._sent = 0
        self._pending = 0
        self.ran_out = False

    def read(self, size: int = -1) -> bytes:
        self._sent += self._pending
        data = cast(bytes, self._file.read(size))
        self._pending = len(data)
        self.ran_out = not data
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        reached = cast(int, self._file.seek(position, whence))
        self._sent, self._pending = reached - self._start, 0
        return reached

    def settle(self) -> int:
        if hasattr(self._file, "seek") and not getattr(self._file, "closed", False):
            self._file.seek(self._start + self._sent)
        return self._sent

    def close(self) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

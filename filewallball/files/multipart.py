"""A multipart/form-data body (RFC 7578, RFC 2046) as a stream: its parts in order, the bytes of each as they come.

Instead of werkzeug's parser, which keeps a byte too many where a read ends within a delimiter, and of others, which
refuse a file with a line that merely begins like a delimiter; `benchmarks/multipart.py` compares them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from werkzeug.datastructures import Headers

from filewallball.errors import HeadersTooLarge, RequestTooLarge
from filewallball.files.disposition import Disposition

HEADER_BYTES = 16 * 1024
"""The most that the headers of one part may have, together."""
PADDING_BYTES = 1024
"""The most blanks that may stand between a boundary and the end of its line."""
_CRLF, _LF = b"\r\n", b"\n"
_FOLD = re.compile(rb"(?:\r\n|\n|\r)[ \t]")
# After a boundary: it closes the form, or its line ends, or (the group) its padding does not. Anything else is content.
_ENDING = {
    end: rb"(?:--|[ \t]{0,%d}%s|([ \t]{%d}))" % (PADDING_BYTES, end, PADDING_BYTES + 1)
    for end in (_CRLF, _LF)
}
_ENDS = {line_break: re.compile(ending) for line_break, ending in _ENDING.items()}
# The same in what is no content, where lines may end and begin otherwise.
_OPENS = rb"[ \t]*+(?:[\r\n]|\Z)"
_OPENS_OR_CLOSES = rb"(?:--|%s)" % _OPENS
_LINE_START = rb"(?:\A|[\r\n])[ \t]*+"
_UNDECIDED = re.compile(rb"-|[ \t]*\r?")


class Malformed(ValueError):
    """The body is not a complete form."""


class Incomplete(Malformed):
    """The body ends before the form does."""


@dataclass(frozen=True, slots=True)
class Part:
    """The headers of a part, and the name and file name that they give, read as UTF-8."""

    headers: Headers
    disposition: Disposition
    name: str
    filename: str | None


class Multipart:
    """One body, to be iterated over once: each part with its content, which is skipped as far as nobody takes it.

    Lines end in CRLF, or all in LF in a body whose first line does. A delimiter is a whole line; what only begins like
    one is content. `read` returns the next bytes, however many, and none at the end.

    No part is passed over: a delimiter that ends or begins otherwise, in front of the first one or among the headers
    of a part, and one after the last make the form malformed. Content may hold such lines.

    Raises Malformed, Incomplete; HeadersTooLarge; RequestTooLarge beyond `max_parts`, or where more than `max_bytes`
    belong to no file: preamble, headers, fields and epilogue. Memory is bounded by these and by what `read` returns
    at once.
    """

    def __init__(self, read: Callable[[], bytes], boundary: bytes, *, max_parts: int, max_bytes: int) -> None:
        self.received = 0
        """The number of bytes that were read."""
        self._read = read
        self._boundary = boundary
        self._max_parts = max_parts
        self._max_bytes = self._spare_bytes = max_bytes
        self._data, self._at = b"", 0
        self._ended = self._closed = False

    def __iter__(self) -> Iterator[tuple[Part, Iterator[memoryview]]]:
        self._begin()
        self._refuse_delimiter(b"".join(self._content(in_file=False)), _OPENS_OR_CLOSES)
        parts = 0
        while not self._closed:
            parts += 1
            if parts > self._max_parts:
                raise RequestTooLarge(f"A form may have {self._max_parts} parts.")
            part = self._part()
            content = self._content(in_file=part.filename is not None)
            yield part, content
            _skip(content)
        self._skip_epilogue()

    def _begin(self) -> None:
        """Learn how lines end, and put such an end before the first byte, as it stands before every delimiter."""
        first = b"--" + self._boundary
        most = len(first) + PADDING_BYTES
        while _LF not in self._data[len(first) : most] and len(self._data) <= most and self._more():
            pass
        found = _ENDS[_LF].match(self._data, len(first)) if self._data.startswith(first) else None
        self._line_break = _LF if found and found[0].endswith(_LF) else _CRLF
        self._delimiter = self._line_break + first
        self._data = self._line_break + self._data

    def _part(self) -> Part:
        start = self._at + len(self._line_break)
        blank_line = 2 * self._line_break
        limit = HEADER_BYTES + len(self._line_break) + len(blank_line)
        while (end := self._data.find(blank_line, self._at, self._at + limit)) < 0:
            if len(self._data) - self._at >= limit:
                raise HeadersTooLarge(f"The headers of a part may have {HEADER_BYTES} bytes.")
            self._need_more()
            start = self._at + len(self._line_break)
        self._count(end - self._at)
        self._refuse_delimiter(self._data[start:end], _OPENS_OR_CLOSES, starts=_LINE_START)
        headers, disposition = _headers(self._data[start:end])
        self._at = end + len(self._line_break)  # before the break that may be the delimiter's own
        return Part(headers, disposition, disposition.text("name") or "", disposition.text("filename"))

    def _content(self, *, in_file: bool) -> Iterator[memoryview]:
        """Yield the bytes up to the next delimiter, without the line break at which it starts."""
        skipped = len(self._line_break)
        while True:
            found = self._find()
            end = found[0] if found else self._undecided()
            if end > self._at:
                piece = memoryview(self._data)[self._at + skipped : end]
                self._at, skipped = end, 0
                if not in_file:
                    self._count(len(piece))
                if piece:
                    yield piece
            if found:
                self._pass(found[1])
                return
            self._need_more()

    def _find(self) -> tuple[int, int] | None:
        """Find start and end of the next delimiter, if all of it is here."""
        start = self._data.find(self._delimiter, self._at)
        if start < 0:
            return None
        ending = _ENDS[self._line_break].match(self._data, start + len(self._delimiter))
        if ending is None:  # there may be many more like this one, and slowly but once compiles an expression
            whole = re.compile(re.escape(self._delimiter) + _ENDING[self._line_break])
            ending = whole.search(self._data, start + 1)
            if ending is None:
                return None
            start = ending.start()
        if ending[1]:
            raise Malformed("a delimiter is padded without end")
        return start, ending.end()

    def _undecided(self) -> int:
        """Find where a delimiter may begin of which the rest is still to come; else the end of what is here."""
        data, delimiter = self._data, self._delimiter
        at = data.rfind(delimiter, max(self._at, len(data) - len(delimiter) - PADDING_BYTES - 1))
        if at >= 0 and _UNDECIDED.fullmatch(data, at + len(delimiter)):
            return at
        at = data.rfind(delimiter[:1], max(self._at, len(data) - len(delimiter) + 1))
        return at if at >= 0 and delimiter.startswith(data[at:]) else len(data)

    def _pass(self, end: int) -> None:
        self._closed = self._data[end - 1 : end] == b"-"
        self._at = end if self._closed else end - len(self._line_break)

    def _skip_epilogue(self) -> None:
        pieces = []
        while True:
            self._count(len(self._data) - self._at)
            pieces.append(self._data[self._at :])
            self._at = len(self._data)
            if not self._more():
                break
        self._refuse_delimiter(b"".join(pieces), _OPENS)

    def _refuse_delimiter(self, text: bytes, ends: bytes, *, starts: bytes = b"") -> None:
        """Refuse a boundary that so starts and ends in text that is not kept: what follows it may be a part."""
        first = b"--" + self._boundary
        if first in text and re.search(starts + re.escape(first) + ends, text):
            raise Malformed("a delimiter stands where no part begins")

    def _count(self, size: int) -> None:
        self._spare_bytes -= size
        if self._spare_bytes < 0:
            raise RequestTooLarge(f"A form may have {self._max_bytes} bytes beside its file.")

    def _need_more(self) -> None:
        if not self._more():
            raise Incomplete("the last delimiter is missing")

    def _more(self) -> bool:
        piece = b"" if self._ended else self._read()
        self._ended = not piece
        self.received += len(piece)
        rest = self._data[self._at :]
        self._data, self._at = rest + piece if rest else piece, 0
        return not self._ended


def _headers(text: bytes) -> tuple[Headers, Disposition]:
    lines = [line.strip(b" \t").partition(b":") for line in _FOLD.sub(b" ", text).splitlines()]
    pairs = [(name.strip(b" \t"), value.strip(b" \t")) for name, colon, value in lines if name or colon]
    dispositions = [value for name, value in pairs if name.lower() == b"content-disposition"]
    if len(dispositions) != 1:
        raise Malformed("a part has no Content-Disposition, or several")
    try:
        disposition = Disposition.of(dispositions[0])
    except ValueError as error:
        raise Malformed(str(error)) from error
    # What is not UTF-8 is replaced, as the server does in the path of a PUT.
    return Headers(
        [(name.decode(errors="replace"), value.decode(errors="replace")) for name, value in pairs]
    ), disposition


def _skip(content: Iterator[memoryview]) -> None:
    for _ in content:
        pass

"""Forms at random: what a client may send, near to every mistake in telling delimiters from content."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

_BOUNDARIES = (
    *(b"B", b"BB", b"-", b"--", b"a b", b"B--", b"-B", b"'()+_,-./:=?", b"-" * 70, b"x" * 300, b"\xe9"),
    *(b"----WebKitFormBoundaryZzy0Xx", b"------------------------d74496d66958873e"),
)
_DISPOSITIONS = (
    b'Content-Disposition: form-data; name="%s"%s',
    b"content-disposition:form-data; name=%s%s",
    b'X-First: 1%%\r\nContent-Disposition: form-data;\r\n\tname="%s"%s',
)
_FILENAME = b'; filename="a.bin"'


@dataclass(frozen=True)
class Form:
    """One body, its boundary, and the parts it was made of: names and contents in order."""

    boundary: bytes
    parts: list[tuple[str, bytes]]
    file: bytes
    body: bytes


def random_form(chance: Random, fields: Sequence[tuple[str, bytes]] | None = None) -> Form:
    """A valid form; its contents are made of pieces of delimiters but hold none. Unless given, so are the fields."""
    boundary = chance.choice(_BOUNDARIES)
    pieces = _pieces(boundary)
    if fields is None:
        fields = [
            (f"field{number}", _content(chance, pieces, boundary)) for number in range(chance.randrange(3))
        ]
    parts = [*fields]
    file = _content(chance, pieces, boundary)
    parts.insert(chance.randint(0, len(parts)), ("file", file))
    preamble = _preamble(chance, pieces, boundary) if chance.random() < 0.2 else b""
    body = [preamble, b"\r\n"] if preamble else []
    for name, content in parts:
        body += [
            b"--",
            boundary,
            _padding(chance),
            b"\r\n",
            _headers(chance, name),
            b"\r\n\r\n",
            content,
            b"\r\n",
        ]
    body += [b"--", boundary, b"--", chance.choice((b"", b"\r\n", b" \r\n", b"\r\nepilogue"))]
    return Form(boundary, parts, file, b"".join(body))


def spoiled(chance: Random, form: Form) -> bytes:
    """The body with one more part that a parser could pass over without a word."""
    line_break = chance.choice((b"\n", b"\r", b"\r\n"))
    extra = b"--%s%s%s" % (form.boundary, _padding(chance), line_break)
    extra += line_break.join((_headers(chance, "lost"), b"", b"private", b""))
    starts = (b"\n", b"\r", b" ", b"\t", b"\n\n", b"preamble\n", b"\r \t", b"\xef\xbb\xbf", b"\0")
    place = chance.randrange(3)
    if place == 0:
        return chance.choice(starts) + extra.removesuffix(line_break) + b"\r\n" + form.body
    if place == 1:
        return form.body + chance.choice((b"\r\n", *starts)) + extra
    end_of_headers = form.body.index(b"\r\n\r\n", form.body.lower().index(b"content-disposition"))
    extra = chance.choice((b"\n", b"\r", b"\n ")) + extra.replace(line_break, b"\n")
    return form.body[:end_of_headers] + extra + form.body[end_of_headers:]


def cut(chance: Random, body: bytes) -> list[bytes]:
    """The body in pieces: each byte, pieces of one size, or of any size."""
    most = chance.choice((1, 2, 7, 64, 1000))
    is_even = chance.random() < 0.5
    pieces, at = [], 0
    while at < len(body):
        size = most if is_even else chance.randint(1, most)
        pieces.append(body[at : at + size])
        at += size
    return pieces


def holds_delimiter(text: bytes, boundary: bytes) -> bool:
    """True if a line of the text is a delimiter: found by splitting the whole of it."""
    if text.startswith(b"--" + boundary):  # where a body that begins so may have its lines end in LF
        return True
    _, *rest = (b"\r\n" + text + b"\r\n").split(b"\r\n--" + boundary)
    return any(after.startswith(b"--") or after.lstrip(b" \t")[:2] in (b"", b"\r\n") for after in rest)


def holds_boundary(text: bytes, boundary: bytes) -> bool:
    """True if a boundary is followed by the end of a line of any kind, or of the form: found at each place alone."""
    mark = b"--" + boundary
    rests = (text[at + len(mark) :] for at in range(len(text)) if text.startswith(mark, at))
    return any(rest.startswith(b"--") or rest.lstrip(b" \t")[:1] in (b"", b"\r", b"\n") for rest in rests)


def _preamble(chance: Random, pieces: tuple[bytes, ...], boundary: bytes) -> bytes:
    while True:
        text = _content(chance, pieces, boundary)
        if not holds_boundary(text, boundary):
            return text


def _pieces(boundary: bytes) -> tuple[bytes, ...]:
    return (
        *(b"\r", b"\n", b"\r\n", b"\n\r", b"-", b"--", b" ", b"\t", b"x", b"\0\xff", b"A" * 90),
        *(boundary, b"--" + boundary, b"\r\n--", b"\n--" + boundary, b"\r--" + boundary + b"--"),
        *(
            b"\r\n--" + boundary,
            b"\r\n--" + boundary + b"-",
            b"\r\n--" + boundary + b" \r",
            b"\r\n--" + boundary[:-1],
        ),
    )


def _content(chance: Random, pieces: tuple[bytes, ...], boundary: bytes) -> bytes:
    while True:
        content = b"".join(chance.choices(pieces, k=chance.randrange(9)))
        if not holds_delimiter(content, boundary):
            return content


def _headers(chance: Random, name: str) -> bytes:
    is_file = name == "file"
    lines = [chance.choice(_DISPOSITIONS) % (name.encode(), _FILENAME if is_file else b"")]
    if chance.random() < 0.3:
        lines.append(b"Content-Type: application/octet-stream")
    return b"\r\n".join(lines)


def _padding(chance: Random) -> bytes:
    return chance.choice((b"", b"", b"", b" ", b"\t  "))

"""Forms as a stream: the bytes that were sent, however they are cut, at a cost that grows with them alone."""

import io
import sys
from collections.abc import Callable
from random import Random
from typing import Any

import multipart
import pytest
from werkzeug.formparser import MultiPartParser

from filewallball.errors import HeadersTooLarge, RequestTooLarge
from filewallball.files.multipart import HEADER_BYTES, PADDING_BYTES, Malformed, Multipart
from harness.forms import Form, cut, random_form, spoiled

MIB = 1024 * 1024
HEAD = b'Content-Disposition: form-data; name="file"; filename="a"'
Parts = list[tuple[str, bytes]]


def parse(pieces: list[bytes], boundary: bytes = b"B", *, most: int = MIB) -> Parts:
    source = iter(pieces)
    body = Multipart(lambda: next(source, b""), boundary, max_parts=20, max_bytes=most)
    return [(part.name, b"".join(content)) for part, content in body]


def form(content: bytes, *, headers: bytes = HEAD, boundary: bytes = b"B") -> bytes:
    return b"--%s\r\n%s\r\n\r\n%s\r\n--%s--\r\n" % (boundary, headers, content, boundary)


def in_mebibytes(body: bytes) -> list[bytes]:
    return [body[at : at + MIB] for at in range(0, len(body), MIB)]


def otherwise(form: Form) -> Parts | None:
    """The parts that another parser finds in the whole body; none where it refuses it."""
    parser = multipart.PushMultipartParser(form.boundary, max_header_size=HEADER_BYTES)
    parts: Parts = []
    try:
        for event in parser.parse(form.body):
            if isinstance(event, multipart.MultipartSegment):
                parts.append((event.name or "", b""))
            elif event:
                parts[-1] = (parts[-1][0], parts[-1][1] + event)
        parser.close()
    except multipart.MultipartError:
        return None
    return parts


@pytest.mark.slow
def test_what_was_sent_arrives_on_every_way_of_cutting(rounds: Callable[[int, int], int]) -> None:
    chance, agreed = Random(3065), 0
    cases = rounds(12_000, 1_000_000)
    for case in range(cases):
        sent = random_form(chance)

        received = parse(cut(chance, sent.body), sent.boundary)

        assert received == sent.parts, (case, sent)
        other = otherwise(sent)
        assert other in (None, received), (case, sent)
        agreed += other is not None
        with pytest.raises(Malformed):
            parse(cut(chance, spoiled(chance, sent)), sent.boundary)
    assert agreed > cases / 8  # it refuses padding, lines that begin like a delimiter, and more


def test_one_form_arrives_on_each_of_its_cuts() -> None:
    content = b"\r\n--B\r--B--\n--B-\r\n--BB\r\n--"
    body = b"preamble\r\n" + form(content)
    for first in range(len(body)):
        for second in range(first, len(body)):
            pieces = [body[:first], body[first:second], body[second:]]
            assert parse([piece for piece in pieces if piece]) == [("file", content)]


@pytest.mark.parametrize("browser", ["plain", "padded"])
def test_the_stock_parser_agrees_about_ordinary_forms(browser: str) -> None:
    chance = Random(browser)
    for _ in range(500):
        words = [
            chance.randbytes(chance.randrange(200)).replace(b"\n", b"").replace(b"\r", b"") for _ in range(3)
        ]
        padding = b" " if browser == "padded" else b""
        body = b"".join(
            b'--B%s\r\nContent-Disposition: form-data; name="%d"; filename="f"\r\n\r\n%s\r\n'
            % (padding, n, word)
            for n, word in enumerate(words)
        )
        body += b"--B--\r\n"

        stock = MultiPartParser(lambda **_: io.BytesIO())  # type: ignore[arg-type]
        _, files = stock.parse(io.BytesIO(body), b"B", len(body))

        assert parse([body]) == [(name, file.read()) for name, file in files.items()]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(form(b"x").removesuffix(b"\r\n"), id="nothing after the closing delimiter"),
        pytest.param(form(b"x") + b"an epilogue" * 9, id="epilogue"),
        pytest.param(b"for older programs\r\n" + form(b"x"), id="preamble"),
        pytest.param(b"\r\n" + form(b"x"), id="an empty line first"),
        pytest.param(b"--Bx\r\n--B-\n\r\n" + form(b"x"), id="a preamble that begins like a delimiter"),
        pytest.param(form(b"x") + b"--B--\r\n", id="closed twice"),
        pytest.param(form(b"x", headers=HEAD + b"\r\nX: --B\r\nY:  --B--"), id="a boundary within a header"),
        pytest.param(form(b"x").replace(b"\r\n", b"\n"), id="LF alone"),
        pytest.param(
            form(b"x").replace(b"--B\r\n", b"--B" + b" \t" * (PADDING_BYTES // 2) + b"\r\n"), id="padded"
        ),
        pytest.param(form(b"x", headers=HEAD.replace(b"; ", b";\r\n ")), id="folded headers"),
        pytest.param(form(b"x", headers=b"A: b\r\n" * 1000 + HEAD), id="many headers"),
        pytest.param(
            form(b"x", headers=HEAD + b"\r\nX: ".ljust(HEADER_BYTES - len(HEAD), b"x")), id="long headers"
        ),
    ],
)
def test_an_unusual_form_is_a_form(body: bytes) -> None:
    for size in (1, 3, 1000, MIB):
        assert parse([body[at : at + size] for at in range(0, len(body), size)]) == [("file", b"x")]


def test_an_empty_part_may_end_with_its_headers() -> None:
    body = b"--B\r\n" + HEAD + b"\r\n\r\n--B\r\n" + HEAD + b"\r\n\r\n\r\n--B--"
    for size in (1, 2, 1000):
        assert parse([body[at : at + size] for at in range(0, len(body), size)]) == [
            ("file", b""),
            ("file", b""),
        ]


def test_lines_of_a_body_end_one_way() -> None:
    content = b"\n--B\n\n--B--\n\r--B\r"
    in_lf = form(b"").replace(b"\r\n", b"\n").replace(b"\n\n\n", b"\n\n\r\r\n--B\r\n--BB\n\r\n")

    assert parse([form(content)]) == [("file", content)]
    assert parse([in_lf]) == [("file", b"\r\r\n--B\r\n--BB\n\r")]


@pytest.mark.parametrize(
    ("name", "filename", "disposition"),
    [
        ("file", "a b.txt", 'name="file"; filename="a b.txt"'),
        ("file", "보고서.txt", "name=file; filename*=UTF-8''%EB%B3%B4%EA%B3%A0%EC%84%9C.txt"),
        ("file", "보고서.txt", 'name="file"; filename="보고서.txt"'),
        ("file", "ab.txt", 'name="file"; filename*0="a"; filename*1="b.txt"'),
        ("file", 'a"b', 'name="file"; filename="a%22b"'),
        ("file", "", 'name="file"; filename=""'),
        ("", None, "charset=utf-8"),
    ],
)
def test_a_part_is_named_as_clients_write_it(name: str, filename: str | None, disposition: str) -> None:
    body = form(b"", headers=b"Content-Disposition: form-data; " + disposition.encode())

    ((part, _),) = Multipart(iter([body, b""]).__next__, b"B", max_parts=1, max_bytes=MIB)

    assert (part.name, part.filename) == (name, filename)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk",
        b"--B",
        b"--B\r\n",
        b"--B\r\n" + HEAD,
        form(b"x").removesuffix(b"--\r\n"),
        form(b"x").removesuffix(b"-\r\n"),
        form(b"x", boundary=b"BB"),
        form(b"x", headers=b""),
        form(b"x", headers=b"Content-Type: text/plain"),
        form(b"x", headers=HEAD + b"\r\n" + HEAD),
        form(b"x").replace(b"--B\r\n", b"--B" + b" " * (PADDING_BYTES + 1) + b"\r\n"),
        form(b"x").replace(b"\r\n", b"\r"),
    ],
)
def test_what_is_no_complete_form_is_refused(body: bytes) -> None:
    for size in (1, 1000, MIB):
        with pytest.raises(Malformed):
            parse([body[at : at + size] for at in range(0, len(body), size)])


LOST = b'--B%sContent-Disposition: form-data; name="visibility"%s%sprivate%s'


@pytest.mark.parametrize("line_break", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize(
    "start", [b"\n", b"\r", b"\n\n", b" ", b"\t", b"x\n", b"\xef\xbb\xbf", b"\r\n ", b"x"]
)
def test_no_part_before_the_first_delimiter_is_passed_over(start: bytes, line_break: bytes) -> None:
    lost = start + LOST % ((line_break,) * 4)
    for body in (lost + b"\r\n" + form(b"x"), start + b"--B--" + line_break + b"\r\n" + form(b"x")):
        for size in (1, 3, MIB):
            with pytest.raises(Malformed):
                parse([body[at : at + size] for at in range(0, len(body), size)])


@pytest.mark.parametrize("line_break", [b"\r\n", b"\n", b"\r"])
def test_no_part_among_headers_or_behind_the_form_is_passed_over(line_break: bytes) -> None:
    lost = LOST % ((line_break,) * 4)
    for body in (form(b"x") + lost, form(b"x", headers=HEAD + b"\n\ndata\n--B\nContent-Type: a")):
        for size in (1, 3, MIB):
            with pytest.raises(Malformed):
                parse([body[at : at + size] for at in range(0, len(body), size)])


@pytest.mark.parametrize(
    "headers",
    [
        HEAD + b"\r\nContent-Digest: " + b"a," * HEADER_BYTES,
        HEAD + b"\r\nX: y" * HEADER_BYTES,
        HEAD + b"\r\n y" * HEADER_BYTES,
        HEAD + b"\r\nX: ".ljust(HEADER_BYTES - len(HEAD) + 1, b"x"),
        b"x" * HEADER_BYTES * 3,
    ],
)
def test_headers_beyond_their_limit_are_refused_before_they_are_parsed(headers: bytes) -> None:
    body = form(b"x", headers=headers)
    for size in (7, 1000, MIB):
        with pytest.raises(HeadersTooLarge):
            parse([body[at : at + size] for at in range(0, len(body), size)])


def repeated(head: bytes, unit: bytes) -> list[bytes]:
    return [head, *[unit] * 5]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(repeated(b"x", b"x" * 1000), id="preamble"),
        pytest.param(repeated(form(b""), b"x" * 1000), id="epilogue"),
        pytest.param(
            repeated(b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n", b"x" * 1000), id="field"
        ),
        pytest.param([form(b"") + b"x" * 5000], id="epilogue of one piece"),
        pytest.param([(b"--B\r\n" + HEAD + b"\r\nX: " + b"x" * 1500 + b"\r\n\r\n\r\n") * 3], id="headers"),
        pytest.param(
            repeated(b"\r\n", b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 5), id="parts"
        ),
    ],
)
def test_what_belongs_to_no_file_is_limited(pieces: list[bytes]) -> None:
    with pytest.raises(RequestTooLarge):
        parse(pieces, most=4000)


def test_a_file_is_not_counted_as_what_surrounds_it() -> None:
    assert parse([form(b"x" * 10_000)], most=200) == [("file", b"x" * 10_000)]


@pytest.mark.parametrize(
    "unit",
    [
        b"\r\n--Bx",
        b"\r\n--B-x",
        b"\r\n--B \rx",
        b"\r\n--B\r",
        b"\r\n--",
        b"\r\n",
        b"\r",
        b"\n--B\n",
        b"\r\n--B" + b" " * 99 + b"x",
    ],
)
def test_lines_that_only_begin_like_a_delimiter_cost_no_step_each(unit: bytes) -> None:
    ordinary, nearly = b"x" * 4 * MIB, unit * (4 * MIB // len(unit))

    assert (
        steps(lambda: parse(in_mebibytes(form(nearly))))
        <= steps(lambda: parse(in_mebibytes(form(ordinary)))) + 2000
    )


def steps(call: Callable[[], object]) -> int:
    """Count the functions it calls, of Python and of C."""
    count = 0

    def see(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        call()
    finally:
        sys.setprofile(None)
    return count

"""The cost and correctness of reading a form: this project's parser, werkzeug's, and the one on PyPI.

Processor time in one process, from memory, in reads of 1 MiB. Then forms at random, cut at random, with contents made
of pieces of delimiters: how many were read as they were sent, refused, or read as something else.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from random import Random

from multipart import MultipartSegment, PushMultipartParser
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from filewallball.files.multipart import HEADER_BYTES, Multipart
from harness.forms import cut, random_form

Parse = Callable[[Iterable[bytes], bytes], list[bytes]]
_MIB = 1024 * 1024
_BOUNDARY = b"------------------------d74496d66958873e"
_HEAD = b'Content-Disposition: form-data; name="file"; filename="a"'
_NEARLY = b"\r\n--" + _BOUNDARY + b"x"
_CASES = {
    "1 KiB": (bytes(1024), _MIB),
    "100 KiB": (b"A" * 100 * 1024, _MIB),
    "64 MiB": (b"A" * 64 * _MIB, _MIB),
    "4 MiB of line ends": (b"\r\n" * (2 * _MIB), _MIB),
    "4 MiB of lines like delimiters": (_NEARLY * (4 * _MIB // len(_NEARLY)), _MIB),
    "4 MiB of the same, in reads of 64 bytes": (_NEARLY * (4 * _MIB // len(_NEARLY)), 64),
}


def main() -> None:
    options = _options()
    parsers = {"service": _ours, "werkzeug": _werkzeug, "multipart": _multipart}
    print(f"{'milliseconds':<42}" + "".join(f"{name:>12}" for name in parsers))
    for name, (content, size) in _CASES.items():
        body = b"--%s\r\n%s\r\n\r\n%s\r\n--%s--\r\n" % (_BOUNDARY, _HEAD, content, _BOUNDARY)
        pieces = _pieces(body, size)
        times = [_median(parse, pieces, content, options.rounds) for parse in parsers.values()]
        print(f"{name:<42}" + "".join(f"{taken:>12}" for taken in times), flush=True)
    print(f"{f'of {options.forms:,} forms at random':<42}" + "".join(f"{name:>12}" for name in parsers))
    counts = [_verdicts(parse, options.forms) for parse in parsers.values()]
    for verdict in ("right", "refused", "wrong"):
        print(f"{verdict:<42}" + "".join(f"{count[verdict]:>12,}" for count in counts))


def _median(parse: Parse, pieces: list[bytes], content: bytes, rounds: int) -> str:
    times = []
    for _ in range(rounds):
        started = time.process_time()
        try:
            found = parse(pieces, _BOUNDARY)
        except ValueError:
            return "refused"
        times.append(time.process_time() - started)
        if found != [content]:
            return "wrong"
    return f"{statistics.median(times) * 1000:.3f}"


def _verdicts(parse: Parse, forms: int) -> Counter[str]:
    chance, found = Random(3065), Counter[str]()
    for _ in range(forms):
        form = random_form(chance)
        pieces = cut(chance, form.body)
        try:
            is_right = parse(pieces, form.boundary) == [content for _, content in form.parts]
        except ValueError:
            found["refused"] += 1
        else:
            found["right" if is_right else "wrong"] += 1
    return found


def _pieces(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def _ours(pieces: Iterable[bytes], boundary: bytes) -> list[bytes]:
    source = iter(pieces)
    body = Multipart(lambda: next(source, b""), boundary, max_parts=20, max_bytes=2 * _MIB)
    return [b"".join(content) for _, content in body]


def _werkzeug(pieces: Iterable[bytes], boundary: bytes) -> list[bytes]:
    decoder, parts = MultipartDecoder(boundary), list[list[bytes]]()
    for event in _events(decoder, pieces):
        if isinstance(event, File | Field):
            parts.append([])
        elif isinstance(event, Data):
            parts[-1].append(event.data)
    return [b"".join(part) for part in parts]


def _events(decoder: MultipartDecoder, pieces: Iterable[bytes]) -> Iterator[object]:
    for piece in [*pieces, None]:
        decoder.receive_data(piece)
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            yield event


def _multipart(pieces: Iterable[bytes], boundary: bytes) -> list[bytes]:
    parts = list[list[bytes]]()
    with PushMultipartParser(boundary, max_header_size=HEADER_BYTES) as parser:
        for piece in pieces:
            for event in parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    parts.append([])
                elif event:
                    parts[-1].append(event)
    return [b"".join(part) for part in parts]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--forms", type=int, default=50_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()

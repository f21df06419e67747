"""Files of the smallest parts of their format: looking at them ends after a bounded number of steps."""

import struct
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from filewallball.files.inspection.animations import count_frames
from filewallball.files.inspection.archives import UNKNOWN_SIZE
from harness.hostile_files import HOSTILE
from tests.files.samples import suspicion

_MIB = 1024 * 1024
_MOST_STEPS = 9_000_000
"""Lines of the inspection's code that one file may run; 500,000 entries of an archive take the most."""
_BEYOND = {
    "GIF of blocks": "image_bomb",
    "GIF of frames": "image_bomb",
    "GIF of comments": "image_bomb",
    "WebP of chunks": "image_bomb",
    "PNG of chunks": "image_bomb",
    "JPEG of segments": "image_bomb",
    "ZIP of extra fields": "archive_bomb",
    "ZIP of entries with a dozen": "archive_bomb",
    "gzip of empty members": "archive_bomb",
}


@pytest.mark.parametrize("title", HOSTILE)
def test_twice_the_bytes_do_not_take_more_steps_than_the_limits_allow(title: str) -> None:
    name, make = HOSTILE[title]

    steps = _steps(lambda: suspicion(make(16 * _MIB), name))

    assert steps < _MOST_STEPS


@pytest.mark.parametrize(("title", "reason"), _BEYOND.items())
def test_a_file_beyond_the_limits_is_suspicious(title: str, reason: str) -> None:
    name, make = HOSTILE[title]

    assert suspicion(make(32 * _MIB), name).content == (reason,)
    assert suspicion(make(4096), name).content in ((), (reason,))


def test_a_large_animation_of_small_blocks_is_counted_to_its_end() -> None:
    block = b"\x40" + bytes(64)  # a quarter of what encoders write
    frame = b"\x2c" + bytes(9) + b"\x02" + block * 32 + b"\0"
    data = b"GIF89a\x10\0\x10\0\0\0\0" + frame * 8200

    assert len(data) > 16 * _MIB
    assert count_frames(data[: 16 * _MIB], "image/gif") > 7500
    assert suspicion(data, "a.gif").content == ()


def test_an_archive_with_three_extra_fields_in_each_entry_is_none() -> None:
    extra = b"UT\1\0\0" + b"ux\1\0\0" + struct.pack("<HHQ", 1, 8, 100)
    entry = struct.pack("<4s16xIIHHH12x", b"PK\x01\x02", 90, UNKNOWN_SIZE, 0, len(extra), 0) + extra
    directory = entry * 120_000
    start = b"PK\x03\x04" + bytes(120_000 * 90)
    counts = (120_000, 120_000, len(directory), len(start))
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *counts)
    end = struct.pack("<4s4xHHIIH", b"PK\x05\x06", 0xFFFF, 0xFFFF, UNKNOWN_SIZE, UNKNOWN_SIZE, 0)

    assert suspicion(start + directory + end64 + end, "streamed.zip").content == ()


def _steps(work: Callable[[], object]) -> int:
    """The lines of the inspection that `work` runs."""
    count = 0

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, event: str, _: Any) -> Any:
        return line if "files/inspection" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
    return count

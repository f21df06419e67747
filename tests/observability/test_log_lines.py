"""A record is one line that every reader can take, and none can be misled or told a secret by."""

import json
import logging

import pytest

from filewallball.observability.log_lines import (
    LineFormatter,
    json_line,
    text_line,
    timestamp,
)
from filewallball.redaction import Redactor

NASTY = "a\r\nb\x00c\x1b[31md\x7fe\x85f\u202eg\u2028h\ud800i\u200bj\u2066k\ufeff"
HEAD = {"timestamp": "t", "level": "INFO", "logger": "l", "message": "m"}


def is_harmless(line: bytes) -> bool:
    text = line.decode()
    return text.isprintable() and not set(text) & set("\u200b\u202e\u2066\ufeff")


def test_times_are_utc_with_milliseconds() -> None:
    assert timestamp(1_705_314_600.5) == "2024-01-15T10:30:00.500Z"
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"


def test_json_keeps_every_character_and_shows_no_harmful_one() -> None:
    line = json_line({"path": NASTY})
    assert is_harmless(line)
    assert json.loads(line)["path"] == NASTY


def test_ordinary_unicode_stays_readable() -> None:
    assert "사진 été" in json_line({"path": "사진 été"}).decode()
    assert json_line({"path": "사진", "agent": "x\u202e"}).decode().count("사진") == 1


def test_odd_values_become_text() -> None:
    line = json.loads(json_line({"where": logging, "bytes": b"\xff", "nested": {3: "three"}}))
    assert line["nested"] == {"3": "three"}
    assert "logging" in line["where"]


@pytest.mark.parametrize("field", ["message", "path"])
def test_text_is_one_harmless_line(field: str) -> None:
    assert is_harmless(text_line({**HEAD, field: NASTY}))


def test_text_names_its_fields_and_leaves_empty_ones_out() -> None:
    line = text_line({**HEAD, "status_code": 200, "path": "/a b", "file_type": None})
    assert line == b't INFO l m status_code=200 path="/a b"'


def test_text_cannot_be_made_to_show_a_field_that_is_not_there() -> None:
    line = text_line({**HEAD, "path": 'x" status_code=500 y="'}).decode()
    assert " status_code=500" not in line.replace('x\\" status_code=500', "")


def test_secrets_are_taken_out() -> None:
    redactor = Redactor(["correct horse", "short"])
    line = b"password 'correct horse', fwb_0123456789abcdef-_A, Authorization: bearer eyJhbGciOi.x short"
    clean = redactor.clean(line)
    assert b"correct horse" not in clean
    assert b"fwb_0" not in clean
    assert b"eyJ" not in clean
    assert clean.endswith(b"short")


def test_records_of_the_standard_library_lead_with_the_same_fields() -> None:
    record = logging.LogRecord("filewallball.sweep", logging.INFO, __file__, 1, "removed %d", (3,), None)
    record.blob = "ab/cd"
    line = json.loads(LineFormatter(json_line).format(record))
    assert list(line) == ["timestamp", "level", "logger", "message", "blob"]
    assert (line["level"], line["logger"], line["message"]) == ("INFO", "filewallball.sweep", "removed 3")


def test_exceptions_come_as_a_stack_trace_on_the_same_line() -> None:
    try:
        raise LookupError("lost")
    except LookupError as error:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "broken", (), (type(error), error, None))
    for render in (json_line, text_line):
        line = LineFormatter(render).format(record)
        assert "\n" not in line
        assert "LookupError: lost" in line
        assert "stack_trace" in line

"""Rate limits as settings write them: read whole at the start, by the library only where it has to be."""

import os
import subprocess
import sys

import pytest
from limits import parse_many

from filewallball.settings.errors import ConfigError
from filewallball.settings.loading import load_settings
from filewallball.settings.rates import read_limits

_PROGRAM = (
    "import sys; from filewallball.settings.loading import load_settings; load_settings(); "
    "print('limits' in sys.modules)"
)
_PLAIN = [
    *(f"7/{period}" for period in ("second", "minute", "hour", "day", "month", "year")),
    *("0/second", "999999999/year", "007/day"),
]
_OTHERS = ["5/second;1000/day", "10 per 2 hours", "1/MINUTE", " 7/day ", "1000000000/minute"]


def _imports_library(text: str) -> bool:
    environ = {**os.environ, "RATELIMIT_UPLOAD": text}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip() == "True"


@pytest.mark.parametrize("text", _PLAIN + _OTHERS)
def test_a_limit_is_what_the_library_reads(text: str) -> None:
    settings = load_settings({"RATELIMIT_UPLOAD": text})

    assert settings.ratelimit_upload == text
    assert read_limits(settings.ratelimit_upload) == tuple(parse_many(text))


@pytest.mark.parametrize("text", ["", "off"])
def test_no_limit_is_none(text: str) -> None:
    settings = load_settings({"RATELIMIT_AUTH": "off", "RATELIMIT_API": text})

    assert read_limits(settings.ratelimit_api) == read_limits(settings.ratelimit_auth) == ()


@pytest.mark.parametrize(
    "text", ["fast", "5/fortnight", "5/minutes/2", "-1/minute", "/minute", "7/day\n8/day", "²/minute", "5"]
)
def test_what_is_no_limit_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigError, match=r"RATELIMIT_UPLOAD: .* is not a limit such as 10/minute"):
        load_settings({"RATELIMIT_UPLOAD": text})


@pytest.mark.parametrize(("text", "expected"), [("60/minute", False), ("60 per minute", True)])
def test_a_plain_limit_needs_no_library(text: str, expected: bool) -> None:
    assert _imports_library(text) == expected

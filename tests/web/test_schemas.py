"""Field types that several packages share."""

import time

import pytest
from marshmallow import ValidationError

from filewallball.web.schemas import DurationField


def test_a_text_too_long_for_a_duration_is_refused_before_it_is_read() -> None:
    started = time.process_time()
    with pytest.raises(ValidationError, match="Not a duration"):
        DurationField().deserialize("1 " * 500_000)
    assert time.process_time() - started < 0.5

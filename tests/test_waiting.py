"""`wait_until` itself."""

import pytest

from harness.waiting import wait_until


def test_wait_until_returns_the_first_truthy_value() -> None:
    values = iter([0, "", None, "ready", "later"])

    assert wait_until(lambda: next(values)) == "ready"


def test_wait_until_names_what_did_not_come() -> None:
    with pytest.raises(TimeoutError, match="the moon"):
        wait_until(lambda: False, seconds=0.05, what="the moon")

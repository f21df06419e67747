"""Imported by Python before anything else in processes under libfaketime, whose `clock_nanosleep`, which `time.sleep`
calls, fails where the monotonic clock is left alone."""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep

"""A disk that records what is written to it, so that tests can cut its power at any point."""

from harness.disk import survivors
from harness.disk.power_cuts import PowerCuts
from harness.disk.recorded import RecordedDisk, mounted
from harness.disk.survivors import Survivors

__all__ = ["PowerCuts", "RecordedDisk", "Survivors", "mounted", "survivors"]

"""Log-spaced buckets of durations: any quantile within 1.5 % of the exact one, at any size."""

import math
from collections.abc import Mapping

RELATIVE_ERROR = 0.015
_RATIO = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
LOG_RATIO = math.log(_RATIO)


def bucket_of(duration_us: int) -> int:
    """The bucket of a duration of at least one microsecond."""
    return math.ceil(math.log(duration_us) / LOG_RATIO)


def middle_us(bucket: int) -> float:
    """The duration that is as near as RELATIVE_ERROR to all durations of the bucket."""
    return 2 * _RATIO**bucket / (_RATIO + 1)


def quantile_us(counts: Mapping[int, int], share: float) -> float:
    """The duration that `share` of all do not exceed; 0 where there are none."""
    rank = math.ceil(share * sum(counts.values()))
    for bucket in sorted(counts):
        rank -= counts[bucket]
        if rank <= 0:
            return middle_us(bucket) if counts[bucket] else 0.0
    return 0.0

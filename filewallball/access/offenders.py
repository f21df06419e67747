"""The job that blocks clients which the gate caught offending too often."""

from collections.abc import Callable

from filewallball.access.blocks import AUTOMATIC, add_block
from filewallball.access.gate import Gate
from filewallball.recording.operations import Operation


def block_offenders(gate: Gate, seconds: int, begin: Callable[[], Operation]) -> int:
    """Block each offender that is not blocked yet, as an operation of its own; returns how many."""
    offenders = gate.take_offenders()
    if offenders:
        gate.blocks.refresh()
    count = 0
    for offender in offenders:
        if gate.blocks.find(offender.network.partition("/")[0]) is None:
            with begin() as op:
                add_block(
                    op,
                    gate.blockable,
                    offender.network,
                    offender.reason,
                    evidence=offender.evidence,
                    origin=AUTOMATIC,
                    expires_in=seconds,
                )
            count += 1
    if count:
        gate.blocks.refresh()
    return count

"""Decides which traces are exported, as OTEL_TRACES_SAMPLER says."""

from filewallball.settings.tracing import ALWAYS_ON, PARENT_BASED, RATIO, TracingSettings

_RANDOM_DIGITS = 14
_VALUES: int = 16**_RANDOM_DIGITS


class Sampler:
    """Takes all traces, none, or a share of them; where it is based on parents, their decision comes first.

    The library's own samplers take the share by the last 64 bits of the trace's id. W3C Trace Context promises chance
    in the last 56 alone, and ids of ours are UUIDs, in which two of the 64 never change.
    """

    def __init__(self, settings: TracingSettings) -> None:
        root = settings.otel_traces_sampler.removeprefix(PARENT_BASED)
        self._heeds_parents = settings.otel_traces_sampler.startswith(PARENT_BASED)
        taken = settings.otel_traces_sampler_arg if root == RATIO else float(root == ALWAYS_ON)
        self._least = round((1 - taken) * _VALUES)

    def takes(self, trace_id: str, parent: bool | None) -> bool:
        """True if the trace is exported. `parent` is what its caller decided; None without one who may decide."""
        if self._heeds_parents and parent is not None:
            return parent
        return int(trace_id[-_RANDOM_DIGITS:], 16) >= self._least

"""Which traces are exported: a share of them by chance, and a caller's decision only where that counts."""

import pytest

from filewallball.observability.tracing.sampling import Sampler
from filewallball.settings.loading import load_settings
from filewallball.web.exchange import new_request_id
from filewallball.web.trace_context import trace_of


def sampler(name: str, share: float = 1) -> Sampler:
    return Sampler(load_settings({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": str(share)}))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_a_share_of_the_traces_that_begin_here_is_taken(share: float) -> None:
    taken = sampler("traceidratio", share)
    traces = [trace_of({}, new_request_id(), may_sample=False).trace_id for _ in range(4000)]

    found = sum(taken.takes(trace_id, None) for trace_id in traces) / len(traces)

    # Ten standard deviations at most.
    assert share - 0.08 < found < share + 0.08


@pytest.mark.parametrize(("share", "is_taken"), [(0, False), (1, True)])
@pytest.mark.parametrize("digits", ["0" * 16, "f" * 16, "8" + "0" * 15])
def test_a_share_of_nothing_or_all_takes_none_or_all(share: float, is_taken: bool, digits: str) -> None:
    assert sampler("traceidratio", share).takes("1" * 16 + digits, None) is is_taken


@pytest.mark.parametrize(
    ("name", "alone", "after_yes", "after_no"),
    [
        ("always_on", True, True, True),
        ("always_off", False, False, False),
        ("parentbased_always_on", True, True, False),
        ("parentbased_always_off", False, True, False),
    ],
)
def test_a_caller_decides_only_where_the_sampler_heeds_parents(
    name: str, alone: bool, after_yes: bool, after_no: bool
) -> None:
    found = sampler(name)

    assert [found.takes("1" * 32, parent) for parent in (None, True, False)] == [alone, after_yes, after_no]

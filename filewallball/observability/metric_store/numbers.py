"""Numbers as Prometheus writes them.

As prometheus_client does, which takes longer to import than many a command takes for all else.
"""

from math import inf, isfinite, isnan

_LONGEST_WHOLE = 6
"""Digits before the point from which on Go writes an exponent."""


def number_text(value: float) -> str:
    """A number as Go writes it."""
    if not isfinite(value):
        return "NaN" if isnan(value) else "+Inf" if value == inf else "-Inf"
    text = repr(float(value))
    point = text.find(".")
    if value <= 0 or point <= _LONGEST_WHOLE:
        return text
    mantissa = f"{text[0]}.{text[1:point]}{text[point + 1 :]}".rstrip("0.")
    return f"{mantissa}e+{point - 1:02d}"

"""The metrics that a PromQL expression names, found without evaluating it."""

import re

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_MATCHERS = re.compile(r"\{[^{}]*\}")
_RANGE = re.compile(r"\[[^\[\]]*\]")
_OFFSET = re.compile(r"\boffset\s+[$\w]+")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_NUMBER = re.compile(r"\b(?:\d[\w.]*|0x[0-9a-fA-F]+|NaN|Inf)\b")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\w*\s*\()")
_WORDS = frozenset(
    ("and", "or", "unless", "bool", "offset", "by", "without", "group_left", "group_right", "on", "ignoring")
)


def metrics_in(expression: str) -> set[str]:
    """Metric names, without functions, labels, durations and keywords."""
    for noise in (_STRING, _MATCHERS, _RANGE, _OFFSET, _GROUPING, _NUMBER):
        expression = noise.sub(" ", expression)
    return set(_NAME.findall(expression)) - _WORDS


def labels_in(expression: str) -> set[str]:
    """Labels that matchers and groupings name."""
    found = set[str]()
    for matcher in _MATCHERS.findall(_STRING.sub('""', expression)):
        found |= set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matcher))
    for grouping in _GROUPING.findall(expression):
        found |= set(re.findall(r"\w+", grouping.partition("(")[2]))
    return found

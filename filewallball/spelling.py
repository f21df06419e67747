"""Names that were misspelt: those that one edit turns into a known one."""

from collections.abc import Iterable


def nearly(name: str, known: Iterable[str]) -> str | None:
    """The first known name that differs from this one by at most one edit, if there is any."""
    return next((other for other in known if _is_nearly(name, other)), None)


def _is_nearly(name: str, other: str) -> bool:
    """Whether one edit at most makes one of the other: a character more, less or instead, or two that change places."""
    pairs = zip(name, other, strict=False)
    start = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(name), len(other)))
    left, right = name[start:], other[start:]
    return (
        left[1:] in (right, right[1:])
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )

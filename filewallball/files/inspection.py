"""What a file really is, told from its first bytes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Inspection:
    """The detected type beside the claimed one."""

    media_type: str
    claimed_type: str
    executable: bool


def inspect(head: bytes, claimed: str | None, filename: str) -> Inspection:
    """The media type of a file that begins with `head`."""
    return Inspection("application/octet-stream", claimed or "", head.startswith(b"\x7fELF"))


def is_allowed(media_type: str, executable: bool, allowed: tuple[str, ...], blocked: tuple[str, ...]) -> bool:
    """Whether the policy takes such a file."""
    return not executable

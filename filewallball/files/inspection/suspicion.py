"""Suspicion: what a file's name tries, and where its content is dangerous. A wrong label is neither."""

from dataclasses import dataclass

from filewallball.files.inspection.bombs import (
    is_gzip_bomb,
    is_image_bomb,
    is_zip_bomb,
)
from filewallball.files.inspection.disguises import disguises
from filewallball.files.inspection.media_type import Inspection, inspect
from filewallball.files.inspection.staged import Staged
from filewallball.files.naming import deceptions

FLAG, QUARANTINE, REJECT = "flag", "quarantine", "reject"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The reasons why a file is suspicious: those from its name alone, and those from its content."""

    name: tuple[str, ...] = ()
    content: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.name or self.content)

    @property
    def reasons(self) -> list[str]:
        return [*self.name, *self.content]


def judge(staged: Staged, filename: str, seen: Inspection) -> Suspicion:
    """Look at a whole staged file under the name that was sent. Reads headers, and unpacks within narrow bounds."""
    return Suspicion(deceptions(filename), tuple(_dangers(staged, filename, seen)))


def dangers_under(filename: str, claimed_type: str, staged: Staged) -> list[str]:
    """The reasons why a file of this content would be dangerous under a name."""
    return disguises(staged, filename, inspect(staged.head, claimed_type, filename, staged))


def _dangers(staged: Staged, filename: str, seen: Inspection) -> list[str]:
    found = disguises(staged, filename, seen)
    if _is_archive_bomb(staged, seen):
        found.append("archive_bomb")
    if is_image_bomb(staged, staged.head, seen.media_type):
        found.append("image_bomb")
    return found


def _is_archive_bomb(staged: Staged, seen: Inspection) -> bool:
    if seen.contents is not None:
        return is_zip_bomb(seen.contents, staged.size)
    return seen.media_type == "application/gzip" and is_gzip_bomb(staged, staged.size)

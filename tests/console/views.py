"""Every view of the console, as the tests of all views visit it: add a line for a new one."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.samples import Samples


@dataclass(frozen=True)
class View:
    """A view by a name, its address below `/console/`, a part that shows that it is there, and who looks at it."""

    name: str
    address: Callable[[Samples], str]
    selector: str
    user: str | None = "mina"


def at(path: str) -> Callable[[Samples], str]:
    """An address that depends on nothing."""
    return lambda samples: path


VIEWS = [
    View("upload", at(""), ".drop"),
    View("upload by nobody", at(""), ".drop", None),
    View("files", at("files"), "main table tbody tr"),
    View("file", lambda samples: f"files/{samples.files[4]['file_id']}", "dialog .facts"),
    View("files that nothing fits", at("files?name=nothing-has-such-a-name"), ".state"),
    View("links", at("links"), "main table tbody tr"),
    View("link", lambda samples: f"links/{samples.links[0]['link_id']}", "dialog .facts"),
    View("new link", lambda samples: f"links?new=1&file_id={samples.files[4]['file_id']}", "dialog form"),
    View("what only administrators see", at("audit"), ".state"),
    View("what is nowhere", at("nowhere/at/all"), ".state"),
]

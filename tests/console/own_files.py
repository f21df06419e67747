"""Files of a visitor's own, and what the list in the console has of them."""

from typing import Any

from tests.console.visitor import Visitor

ROWS = "return [...document.querySelectorAll('main tbody tr')].map((row) => row.dataset.key)"
"""JavaScript for the ids in the list."""


def upload(visitor: Visitor, name: str, **options: str) -> dict[str, Any]:
    """A file of the visitor's."""
    return dict(visitor.ask("POST", "/upload", files={"file": (name, name.encode())}, data=options).json())


def is_there(visitor: Visitor, file: dict[str, Any]) -> bool:
    """True while the service has the file."""
    return bool(visitor.ask("GET", f"/files/{file['file_id']}").ok)


def is_listed(visitor: Visitor, file: dict[str, Any], *, expected: bool = True) -> bool:
    """True if the list has the file, or has it not, as expected."""
    return (file["file_id"] in visitor.browser.evaluate(ROWS)) == expected

"""Deleting files in the console: with time to think again, as whoever asked for it, and several at once."""

from functools import partial

from tests.console.own_files import ROWS, is_listed, is_there, upload
from tests.console.visitor import Visitor


def test_a_delete_can_be_undone_and_is_done_otherwise(visitor: Visitor) -> None:
    kept, lost = upload(visitor, "to be kept.txt"), upload(visitor, "to be lost.txt")
    visitor.open("files?name=to+be")

    for file in (kept, lost):
        visitor.click(f"tr[data-key='{file['file_id']}'] .file-name")
        visitor.click_text("Delete")
        visitor.until_true(partial(is_listed, visitor, file, expected=False), "it is off the list")
        assert is_there(visitor, file)
        if file is kept:
            visitor.click_text("Undo")
            visitor.until_true(partial(is_listed, visitor, file), "it is back")

    visitor.until_true(lambda: not is_there(visitor, lost), "it is deleted")
    assert is_there(visitor, kept)


def test_who_leaves_does_not_think_again(visitor: Visitor) -> None:
    file = upload(visitor, "left behind.txt")
    visitor.open(f"files/{file['file_id']}")
    visitor.click_text("Delete")

    visitor.leave()

    visitor.until_true(lambda: not is_there(visitor, file), "it is deleted")


def test_a_delete_is_done_as_who_asked_for_it(visitor: Visitor) -> None:
    file = upload(visitor, "signed away.txt")
    visitor.open(f"files/{file['file_id']}")
    visitor.click_text("Delete")
    visitor.sees("signed away.txt is deleted")

    visitor.click_text("Sign out")
    visitor.sees("Anonymous")

    visitor.until_true(lambda: not is_there(visitor, file), "it is deleted")


def test_several_are_changed_and_deleted_at_once(visitor: Visitor) -> None:
    files = [upload(visitor, f"a bundle {number}.txt") for number in range(3)]
    visitor.open("files?name=a+bundle")

    visitor.click("thead input[type=checkbox]")
    visitor.sees("3 selected")
    visitor.choose(".several select", "public")
    visitor.sees("3 files are changed")
    visitor.until(
        "return [...document.querySelectorAll('main tbody tr')].every((row) => row.innerText.includes('Public'))",
        "all are public",
    )
    visitor.click("thead input[type=checkbox]")
    visitor.click(".several [data-kind=danger]")
    visitor.until(f"{ROWS}.length === 0", "all are off the list")
    visitor.leave()

    visitor.until_true(lambda: not any(is_there(visitor, file) for file in files), "all are deleted")

"""Looking one file up."""

from filewallball.files.lookup import FIND, SHOWN
from filewallball.files.rows import FoundFile, NewFile
from filewallball.files.stored import StoredFile


def test_a_found_file_has_the_columns_of_its_statement_in_their_order() -> None:
    assert tuple(column.key for column in FIND.selected_columns) == FoundFile._fields


def test_every_file_has_what_the_api_shows() -> None:
    assert set(SHOWN) <= set(FoundFile._fields)
    assert set(SHOWN) <= set(NewFile.__annotations__)
    assert set(SHOWN) <= set(StoredFile.__annotations__)

"""A page says where it stands; a cursor leads on from a row and is nobody else's."""

import pytest

from filewallball.errors import ValidationFailed
from filewallball.web.paging import Page, Total, decode, encode


@pytest.mark.parametrize(
    ("total", "pages", "told"),
    [
        (Total(0), 0, (0, False)),
        (Total(10), 1, (10, False)),
        (Total(11), 2, (11, False)),
        (Total(100_000, is_lower_bound=True), 10_000, (100_000, True)),
        (None, None, (None, False)),
    ],
)
def test_a_page_tells_where_it_stands(
    total: Total | None, pages: int | None, told: tuple[int | None, bool]
) -> None:
    place = Page(rows=["a"], total=total, page=1, size=10, next_cursor="on").place()

    assert (place["pages"], (place["total"], place["total_is_lower_bound"])) == (pages, told)
    assert (place["page"], place["size"], place["next_cursor"]) == (1, 10, "on")


@pytest.mark.parametrize("row", [(0, 1), (1_700_000_000_000_000, 2**63 - 1), (-1, 7)])
def test_a_cursor_leads_on_from_its_row(row: tuple[int, int]) -> None:
    assert decode(encode(*row)) == row


@pytest.mark.parametrize("cursor", ["!", "AAAA", "é", encode(1, 2)[:-1], "a" * 23])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed):
        decode(cursor)

"""Listing files: who sees which, filters, pages and cursors."""

import pytest
from flask.testing import FlaskClient

from tests.files.kept import AS_ADMIN, keep, listed


def test_only_public_files_are_listed_newest_first(client: FlaskClient) -> None:
    keep(client, name="first", visibility="public")
    keep(client, name="hidden")
    keep(client, name="mine", visibility="private")
    keep(client, name="second", visibility="public")

    assert listed(client) == ["second", "first"]
    assert listed(client, headers=AS_ADMIN) == ["second", "mine", "hidden", "first"]


def test_filters_narrow_the_list(client: FlaskClient) -> None:
    keep(client, b"\x89PNG\r\n\x1a\n" + b"x" * 100, "sea.png", visibility="public")
    keep(client, b"words", "100%_sure.txt", visibility="public")

    assert listed(client, "type=image/png") == ["sea.png"]
    assert listed(client, "type=image/*") == ["sea.png"]
    assert listed(client, "name=%25_s") == ["100%_sure.txt"]
    assert listed(client, "size_max=50") == ["100%_sure.txt"]
    assert listed(client, "size_min=51") == ["sea.png"]
    assert listed(client, "date_from=2999-01-01T00:00:00Z") == []
    for contradiction in (
        "size_min=2&size_max=1",
        "date_from=2024-01-02T00:00:00&date_to=2024-01-01T23:00:00Z",
    ):
        assert client.get(f"/files?{contradiction}").status_code == 422
    assert listed(client, "date_from=2020-01-01T00:00:00&date_to=2999-01-01T00:00:00%2B09:00") == [
        "100%_sure.txt",
        "sea.png",
    ]


def test_pages_and_cursors_walk_the_same_list(client: FlaskClient) -> None:
    for number in range(7):
        keep(client, name=f"file-{number}", visibility="public")
    expected = [f"file-{number}" for number in reversed(range(7))]

    pages = [name for page in (1, 2, 3) for name in listed(client, f"size=3&page={page}")]
    walked, cursor = [], ""
    while cursor is not None:
        answer = client.get(f"/files?size=3&cursor={cursor}").json
        assert answer is not None
        walked += [file["filename"] for file in answer["files"]]
        cursor = answer["next_cursor"]

    assert pages == expected
    assert walked == expected
    first = client.get("/files?size=3").json
    assert first is not None
    assert (first["total"], first["pages"], first["total_is_lower_bound"]) == (7, 3, False)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page=500&size=500", "page_too_deep"),
        ("cursor=junk", "validation_error"),
        ("limit=1", "validation_error"),
    ],
)
def test_a_page_out_of_reach_says_so(client: FlaskClient, query: str, code: str) -> None:
    answer = client.get(f"/files?{query}")

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == code

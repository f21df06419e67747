"""Searching by name: alike on both databases, and right while names of an earlier release are not folded yet."""

import unicodedata
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from filewallball.files.name_backfill import NameBackfill
from filewallball.files.queries import FileFilter, list_files
from filewallball.files.tables import backfills, files
from filewallball.recording.caller import Caller
from filewallball.text import fold
from harness.parts import Parts
from tests.files.kept import keep, listed
from tests.files.named import forget_names, put_names

PIECES = (
    *(
        "%",
        "_",
        "\\",
        "'",
        '"',
        "/",
        "*",
        " ",
        "\u202f",
        "report",
        "REPORT",
        "Ｒ",
        "ß",
        "SS",
        "İ",
        "ı",
        "I",
        "i",
    ),
    *(
        "Σ",
        "σ",
        "ς",
        "é",
        "e\u0301",
        "É",
        "ё",
        "Ё",
        "보",
        "\u1107\u1169",
        "고",
        "👩‍👩‍👧",
        "❤\ufe0f",
        "ﷺ",
        "ﬁ",
    ),
)
names = st.lists(
    st.one_of(st.sampled_from(PIECES), st.characters(exclude_categories=["Cc", "Cs"])),
    min_size=1,
    max_size=8,
).map("".join)
changes = st.sampled_from(
    [
        str,
        str.upper,
        str.lower,
        str.swapcase,
        *(partial(unicodedata.normalize, form) for form in ("NFC", "NFD", "NFKC", "NFKD")),
    ]
)


@pytest.fixture
def parts(app: Flask) -> Parts:
    """The parts of the test's app."""
    return Parts(app)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("REPORT.TXT", "report"),
        ("Été.pdf", "ÉTÉ"),
        ("ОТЧЁТ.doc", "отчёт"),
        (unicodedata.normalize("NFD", "분기 보고서.hwp"), "보고서"),
        ("보고서.hwp", unicodedata.normalize("NFD", "보고서")),
        ("Straße.txt", "STRASSE"),
        ("ＲＥＰＯＲＴ.txt", "report"),
        ("Screenshot 3.00.00\u202fPM.png", "3.00.00 pm"),
        ("👩‍👩‍👧.png", "👩‍👩‍👧"),
        ("100%_sure\\.txt", "%_SURE\\"),
    ],
)
def test_a_name_is_found_however_it_is_written(
    client: FlaskClient, parts: Parts, name: str, wanted: str, folded: bool
) -> None:
    put_names(parts, [name, "other.bin"], folded=folded)

    answer = client.get("/files", query_string={"name": wanted})

    assert answer.json is not None
    assert [file["filename"] for file in answer.json["files"]] == [name]
    assert (answer.json["total"], answer.json["total_is_lower_bound"]) == (1, False)


def test_an_upload_is_found_at_once(client: FlaskClient) -> None:
    keep(client, name="연간 REPORT.TXT", visibility="public")
    keep(client, name="other.txt", visibility="public")

    assert listed(client, "name=report") == ["연간 REPORT.TXT"]


def test_every_search_finds_what_python_finds(parts: Parts, rounds: Callable[[int, int], int]) -> None:
    @settings(max_examples=rounds(60, 2000), suppress_health_check=list(HealthCheck))
    @given(
        st.lists(names, min_size=1, max_size=6),
        st.lists(names, max_size=6),
        st.lists(st.tuples(st.integers(0, 11), st.integers(0, 8), st.integers(1, 8), changes), max_size=6),
        st.lists(names, max_size=2),
    )
    def check(
        old: list[str],
        new: list[str],
        cuts: list[tuple[int, int, int, Callable[[str], str]]],
        others: list[str],
    ) -> None:
        forget_names(parts)
        put_names(parts, old, folded=False)
        put_names(parts, new)
        there = [*old, *new]
        wanted = [
            change(there[place % len(there)][start : start + length]) for place, start, length, change in cuts
        ]
        _compare(parts, there, [text for text in [*wanted, *others] if text])
        _run_to_the_end(parts)
        _compare(parts, there, [text for text in [*wanted, *others] if text])

    check()


def test_pages_and_cursors_agree_while_names_are_not_folded_yet(client: FlaskClient, parts: Parts) -> None:
    put_names(parts, [f"Отчёт {number}" if number % 3 else "other" for number in range(30)], folded=False)
    put_names(parts, [f"ОТЧЁТ {number}" for number in range(30, 35)])
    expected = [name for name in reversed(_names(parts)) if "отчёт" in fold(name)]

    paged = [name for page in range(1, 5) for name in listed(client, f"name=отчёт&size=7&page={page}")]
    walked, cursor = [], ""
    while cursor is not None:
        answer = client.get(f"/files?name=отчёт&size=7&cursor={cursor}").json
        assert answer is not None
        walked += [file["filename"] for file in answer["files"]]
        cursor = answer["next_cursor"]

    assert paged == walked == expected
    assert answer is not None
    assert answer["total"] == len(expected) == 25


def test_the_backfill_folds_what_was_there_when_it_last_ran(parts: Parts) -> None:
    put_names(parts, ["OLD"] * 1200, folded=False)
    backfill = NameBackfill(parts.database)

    first = backfill.run()
    put_names(parts, ["NEW"], folded=False)
    second = backfill.run()

    assert (first, second) == (0, 1200)
    assert _folded(parts) == ["old"] * 1200 + [None]
    assert backfill.run() == 1
    assert _folded(parts) == ["old"] * 1200 + ["new"]


def test_a_backfill_that_is_broken_off_goes_on_where_it_was(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_names(parts, ["OLD"] * 1200, folded=False)
    backfill = NameBackfill(parts.database)
    backfill.run()
    batches = iter([False, True])
    fold_batch = NameBackfill._fold_batch

    def break_off(self: NameBackfill, connection: object) -> int:
        done = fold_batch(self, connection)  # type: ignore[arg-type]
        if next(batches):
            raise OperationalError("", None, Exception("the process ends here"))
        return done

    with monkeypatch.context() as patch:
        patch.setattr(NameBackfill, "_fold_batch", break_off)
        with pytest.raises(OperationalError):
            backfill.run()
    assert _folded(parts).count("old") == 250
    assert parts.database.scalar(select(backfills.c.position)) == _ids(parts)[249]

    assert _run_to_the_end(parts) == 950
    assert set(_folded(parts)) == {"old"}


def test_two_backfills_at_once_leave_nothing_out(parts: Parts) -> None:
    put_names(parts, ["OLD"] * 1200, folded=False)
    one, other = NameBackfill(parts.database), NameBackfill(parts.database)
    for backfill in (one, other):
        backfill.run()

    assert one.run() + other.run() == 1200
    assert set(_folded(parts)) == {"old"}


def test_a_name_that_was_changed_meanwhile_is_not_overwritten(parts: Parts) -> None:
    put_names(parts, ["OLD"], folded=False)
    with parts.database.begin() as connection:
        connection.execute(update(files).values(filename="RENAMED", name_folded="renamed"))

    _run_to_the_end(parts)

    assert _folded(parts) == ["renamed"]


def _compare(parts: Parts, there: list[str], wanted: list[str]) -> None:
    for text in wanted:
        page = list_files(parts.database, Caller(), FileFilter(name=text), page=1, size=50)
        expected = [name for name in reversed(there) if fold(text) in fold(name)]
        assert [row.filename for row in page.rows] == expected, text
        assert page.total is not None
        assert page.total.rows == len(expected)


def _run_to_the_end(parts: Parts) -> int:
    backfill = NameBackfill(parts.database)
    return backfill.run() + backfill.run()


def _names(parts: Parts) -> list[str]:
    return list(parts.database.scalars(select(files.c.filename).order_by(files.c.id)))


def _folded(parts: Parts) -> list[str | None]:
    return list(parts.database.scalars(select(files.c.name_folded).order_by(files.c.id)))


def _ids(parts: Parts) -> list[int]:
    return list(parts.database.scalars(select(files.c.id).order_by(files.c.id)))

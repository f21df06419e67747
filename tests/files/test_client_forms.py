"""Forms of every client: each file under the name that was meant, or a refusal that names what is wrong."""

import hashlib
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st

from filewallball.errors import ValidationFailed
from filewallball.files.disposition import Disposition
from filewallball.files.naming import deceptions
from harness.parts import Parts
from tests.files.client_forms import (
    CONTENT_TYPE,
    CUT,
    FILE,
    NAMES,
    REFUSED,
    WIDGETS,
    ClientForm,
    field,
    form,
)


def left(app: Flask) -> list[Any]:
    store = Parts(app).store
    return [*store.blobs(), *store.staging.iterdir()]


def send(client: FlaskClient, body: bytes, path: str = "/upload") -> Any:
    return client.post(path, data=body, content_type=CONTENT_TYPE)


@pytest.mark.parametrize("sent", [NAMES, WIDGETS], ids=["names", "widgets"])
def test_every_form_is_kept_as_its_client_means_it(client: FlaskClient, sent: list[ClientForm]) -> None:
    for each in sent:
        answer = send(client, each.body)

        assert answer.status_code == 201, (each.client, answer.get_json())
        file = answer.get_json()
        seen = file["filename"], file["visibility"], tuple(file["ignored_fields"])
        assert seen == (each.filename, each.visibility, each.ignored), each.client
        kept = client.get(file["download_url"]).data
        assert file["file_hash"] == hashlib.sha256(kept).hexdigest()
        assert kept == b"" or kept in each.body, each.client


def test_what_would_not_be_done_is_refused_and_keeps_nothing(app: Flask, client: FlaskClient) -> None:
    for each in REFUSED:
        answer = send(client, each.body)

        problem = answer.get_json()
        assert (answer.status_code, problem["code"]) == each.refused, (each.client, problem)
        assert list(problem.get("errors", [])) == ([each.named] if each.named else []), each.client
        assert left(app) == [], each.client


@pytest.mark.parametrize("how", CUT)
def test_a_form_that_ends_too_early_keeps_nothing(app: Flask, client: FlaskClient, how: str) -> None:
    answer = send(client, CUT[how])

    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")
    assert left(app) == []


def test_a_last_slash_means_the_same_upload(client: FlaskClient, operations: Any) -> None:
    answers = [
        send(client, form(FILE), path) for path in ("/upload", "/upload/", "/upload/?visibility=public")
    ]

    assert [answer.status_code for answer in answers] == [201] * 3
    assert {row.action for row in operations()} == {"file:upload"}
    counted = client.get("/metrics").text
    assert 'endpoint="/upload"' in counted
    assert 'endpoint="/upload/"' not in counted
    assert client.put("/upload/", data=b"x").status_code == 405


def test_a_field_that_means_nothing_is_told_by_the_beginning_of_its_name(client: FlaskClient) -> None:
    answer = send(client, form(field("x" * 3000, "1"), FILE))

    assert answer.get_json()["ignored_fields"] == ["x" * 100]


@pytest.mark.parametrize("name", ["", "\x1b[31m", "a\u202eb", "a%0D%0Ab"])
def test_a_field_without_a_printable_name_is_refused(app: Flask, client: FlaskClient, name: str) -> None:
    answer = send(client, form(field(name, "1"), FILE))

    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert left(app) == []


def test_a_put_has_no_fields_to_ignore(client: FlaskClient) -> None:
    assert client.put("/upload/a.txt", data=b"x").get_json()["ignored_fields"] == []


@pytest.mark.parametrize(
    ("disposition", "labels"),
    [
        (r'filename="..\..\evil.txt"', ("path_traversal",)),
        ('filename="../../evil.txt"', ("path_traversal",)),
        (r'filename="C:\Users\me\r.txt"', ()),
        (r'filename="a\b.txt"', ()),
        ('filename="a%0D%0Ab.txt"', ("control_character",)),
        ("filename*=UTF-8''annual%E2%80%AEfdp.exe; filename=a.pdf", ("bidi_override",)),
        ("filename*0=invoice.pdf; filename*1=.exe", ("double_extension",)),
    ],
)
def test_a_deception_is_seen_however_the_name_is_written(disposition: str, labels: tuple[str, ...]) -> None:
    name = Disposition.of(b"form-data; " + disposition.encode()).text("filename")

    assert deceptions(name or "") == labels


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _browser(name: str) -> str:
    return '"' + name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A") + '"'


def _percent(text: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in text)


def _sections(text: bytes, size: int) -> str:
    pieces = [text[at : at + size] for at in range(0, len(text), size)] or [b""]
    marks = ["UTF-8''", *[""] * (len(pieces) - 1)]
    return "; ".join(
        f"filename*{number}*={mark}{_percent(piece)}"
        for number, (mark, piece) in enumerate(zip(marks, pieces, strict=True))
    )


@given(name=names, size=st.integers(1, 40), other=names)
@example(name="a\\", size=1, other='"')
@example(name='\\"', size=3, other=";filename=x")
@example(name="\\\\a", size=3, other="%22")
def test_a_name_comes_back_from_every_form_of_the_header(name: str, size: int, other: str) -> None:
    forms = {
        "extended": f"filename*=UTF-8''{_percent(name.encode())}",
        "extended, quoted": f"filename*=\"utf-8'en'{_percent(name.encode())}\"",
        "extended, after a plain one": f"filename={_quoted(other)}; filename*=UTF-8''{_percent(name.encode())}",
        "extended, before a plain one": f"filename*=UTF-8''{_percent(name.encode())}; filename={_quoted(other)}",
        "sections": _sections(name.encode(), size),
    }
    for how, text in forms.items():
        found = Disposition.of(f'form-data; name="file"; {text}'.encode())

        assert (found.text("name"), found.text("filename")) == ("file", name), how


@given(name=names.filter(lambda name: not set(name) & set('"%')))
@example(name="a\\b\\\\c")
def test_a_plain_name_comes_back_as_its_client_wrote_it(name: str) -> None:
    def read(text: str) -> str | None:
        return Disposition.of(f"form-data; filename={text}; name=file".encode()).text("filename")

    assert read(_quoted(name)) == name
    if "\\\\" not in name and not name.endswith("\\"):
        assert read(_browser(name)) == name


@given(value=st.binary(max_size=300) | st.text("a\"\\;=* '%", max_size=60).map(str.encode))
def test_no_header_breaks_the_reading_of_it(value: bytes) -> None:
    with suppress(ValueError, ValidationFailed):
        Disposition.of(b"form-data;" + value).text("filename")


@pytest.mark.parametrize(
    "head", ["; filename=", '; filename="', "; filename*=", "; filename*=utf-8''", "; filename*0="]
)
@pytest.mark.parametrize(
    "unit", ["\\", '\\"', "\\\\a", ";", "; b", '"', "%", "%22", "'", "=", " ", '";', '"a', ';="', '; ="\\"']
)
def test_no_header_is_expensive_to_read(head: str, unit: str) -> None:
    """Ends at all: an expression that backtracks would take hours here."""
    with suppress(ValidationFailed):
        Disposition.of((head + unit * 300_000).encode()).text("filename")

"""A credential that a client puts where none belongs stays out of the sealed log, the journal and the answer."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from filewallball.redaction import Redactor, hide_tokens
from harness.parts import Parts
from tests.access.people import client_of
from tests.conftest import ADMIN_TOKEN, SEAL_KEY

TOKEN = "fwb_Canary9x7QzKpLw3-Canary9x7QzKpLw3"
PLACES: dict[str, Callable[[Any], Any]] = {
    "user agent": lambda client: client.get("/files", headers={"User-Agent": f"curl/8 {TOKEN}"}),
    "user agent with a header": lambda client: client.get(
        "/files", headers={"User-Agent": "Bearer Canary9x7QzKp"}
    ),
    "user agent, escaped": lambda client: client.get(
        "/files", headers={"User-Agent": TOKEN.replace("_", "%5F")}
    ),
    "path": lambda client: client.get(f"/download/{TOKEN}"),
    "path of a change": lambda client: client.delete(f"/files/{TOKEN}"),
    "path to nowhere": lambda client: client.get(f"/nowhere/{TOKEN}"),
    "query": lambda client: client.get(f"/files?token={TOKEN}"),
    "misspelt query": lambda client: client.get(f"/files?{TOKEN}={TOKEN}"),
    "file name": lambda client: client.put(f"/upload/{TOKEN}.txt", data=b"words"),
    "refused file name": lambda client: client.put(f"/upload/{TOKEN}.txt", data=b"\x7fELF" + b"\0" * 60),
    "file name of a form": lambda client: client.post("/upload", data={"file": (__file__, f"{TOKEN}.txt")}),
    "foreign page": lambda client: client.post("/upload", headers={"Origin": "null", "User-Agent": TOKEN}),
    "a secret of the settings": lambda client: client.get("/files", headers={"User-Agent": SEAL_KEY}),
    "an administrator's own token": lambda client: client.get(f"/download/{ADMIN_TOKEN}"),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_record_holds_a_credential(app: Flask, operations: Callable[[], list[Any]], place: str) -> None:
    answer = PLACES[place](client_of(app))
    rows = operations()

    journal = b"".join(
        path.read_bytes() for path in Parts(app).settings.journal_dir.rglob("*") if path.is_file()
    )
    for found in (
        str(rows),
        journal.decode("utf-8", "replace"),
        answer.text if answer.status_code >= 400 else "",
    ):
        assert "Canary9x7" not in found
        assert SEAL_KEY not in found
        assert ADMIN_TOKEN not in found
    assert rows or place == "path to nowhere"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("fwb_0123456789", "[hidden]"),
        ("a fwb%5f01234567%2D b", "a [hidden] b"),
        ("/s/1/%66w%62_s_01234567/view", "/s/1/[hidden]/view"),
        ("/s/1/%2566wb%25255Fs_0123%34567%4A8%2F9", "/s/1/[hidden]%2F9"),
        ("100%25 of %66", "100%25 of %66"),
        ("Authorization: Bearer abc.def-ghi=", "Authorization: Bearer [hidden]"),
        ("BEARER%20abc.def-ghi", "BEARER [hidden]"),
        ("bearer of good news", "bearer of good news"),
        ("fwb_1", "fwb_1"),
        ("", ""),
    ],
)
def test_what_looks_like_a_token_is_hidden_and_nothing_else(text: str, clean: str) -> None:
    assert Redactor().is_clean(text) <= (text == clean)
    assert hide_tokens(text) == clean
    assert Redactor().clean(text.encode()) == clean.encode()

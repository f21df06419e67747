"""Creating an upload under an Idempotency-Key, again and again: one upload, one answer."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.files.resumable.tus import BYTES, Tus, metadata

pytestmark = pytest.mark.server


def _under_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def test_a_creation_that_is_repeated_names_the_same_upload(tus: Tus) -> None:
    key = _under_key()
    first = tus.create(6, key, filename="a.bin")
    tus.patch(first.headers["Location"], 0, b"abc")

    again = tus.create(6, key, filename="a.bin")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Upload-Offset"] == "3"
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (
        None,
        "true",
    )


def test_bytes_that_come_with_a_repeated_creation_are_taken_once(tus: Tus) -> None:
    headers = {**BYTES, "Upload-Length": "6", **_under_key()}

    answers = [tus.ask("POST", "/uploads", headers, b"abc") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert [answer.headers["Upload-Offset"] for answer in answers] == ["3"] * 3
    last = tus.patch(answers[0].headers["Location"], 3, b"def")
    assert tus.content(last.headers["X-File-Id"]) == b"abcdef"
    assert tus.ask("POST", "/uploads", headers, b"abc").headers["X-File-Id"] == last.headers["X-File-Id"]


@pytest.mark.parametrize("other", [(7, "a.bin"), (6, "b.bin"), (None, "a.bin")])
def test_a_key_that_was_used_for_another_upload_is_refused(tus: Tus, other: tuple[int | None, str]) -> None:
    key = _under_key()
    tus.create(6, key, filename="a.bin")

    refused = tus.create(other[0], key, filename=other[1])

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refusal_frees_the_key(tus: Tus) -> None:
    key = _under_key()

    refused = tus.create(20_000_001, key, filename="a.bin")

    assert refused.status_code == 413
    assert tus.create(6, key, filename="a.bin").status_code == 201


def test_of_many_creations_at_once_one_begins_an_upload(tus: Tus) -> None:
    key = _under_key()
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda _: tus.create(6, key, filename="a.bin"), range(24)))

    begun = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.headers["Location"] for answer in begun}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in begun) == 1


def test_an_upload_that_is_over_begins_anew(tus: Tus) -> None:
    key = _under_key()
    first = tus.create(6, key, filename="a.bin")
    tus.ask("DELETE", first.headers["Location"])

    again = tus.create(6, key, filename="a.bin")

    assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (201, None)
    assert again.headers["Location"] != first.headers["Location"]


def test_a_refusal_of_what_came_with_the_creation_is_told_again(tus: Tus) -> None:
    program = b"MZ" + bytes(400)
    headers = {
        **BYTES,
        "Upload-Length": str(len(program)),
        "Upload-Metadata": metadata(filename="a.exe"),
        **_under_key(),
    }
    wrong = {"Upload-Checksum": "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="}

    answers = [tus.ask("POST", "/uploads", {**headers, **wrong}, program) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [460, 460]


def test_an_empty_upload_is_a_file_however_often_it_is_created(tus: Tus) -> None:
    key = _under_key()

    answers = [tus.create(0, key, filename="a.bin") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.headers["X-File-Id"] for answer in answers}) == 1
    assert len({answer.headers["X-Delete-Token"] for answer in answers}) == 1


def test_a_creation_that_brings_all_bytes_tells_the_same_delete_token_again(tus: Tus) -> None:
    headers = {**BYTES, "Upload-Length": "6", **_under_key()}

    first, again = (tus.ask("POST", "/uploads", headers, b"abcdef") for _ in range(2))

    told = ("Location", "Upload-Offset", "X-File-Id", "X-File-Url", "X-Delete-Token")
    assert {name: again.headers[name] for name in told} == {name: first.headers[name] for name in told}
    token = {"X-Delete-Token": again.headers["X-Delete-Token"]}
    assert tus.ask("DELETE", f"/files/{again.headers['X-File-Id']}", token).status_code == 204


def test_the_token_told_with_the_last_bytes_is_not_told_to_a_repeated_creation(tus: Tus) -> None:
    headers = {**BYTES, "Upload-Length": "6", **_under_key()}
    first = tus.ask("POST", "/uploads", headers, b"abc")
    tus.patch(first.headers["Location"], 3, b"def")

    again = tus.ask("POST", "/uploads", headers, b"abc")

    assert ["X-Delete-Token" in answer.headers for answer in (first, again)] == [False, False]

"""The header Idempotency-Key: how it may be written, and which keys do without a token."""

import secrets
import string
import uuid
from collections.abc import Callable
from random import Random

import pytest
from uuid_utils import uuid7

from filewallball.errors import InternalError, ValidationFailed
from filewallball.idempotency.keys import IdempotencyKey, is_unguessable, read_key
from filewallball.recording.caller import Caller

USER = Caller(user_id=7)
ANONYMOUS = Caller(ip_address="192.0.2.7")
RANDOM = "8e03978e-40d5-43e8-bc93-6894a57f9324"
NANOID = string.ascii_letters + string.digits + "_-"
CUID = string.ascii_lowercase + string.digits
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (RANDOM, RANDOM),
        (f'"{RANDOM}"', RANDOM),
        (f'"{RANDOM}";client=1', RANDOM),
        ("order:4711/1+1=2", "order:4711/1+1=2"),
        ('"with blank, comma and \\"quotes\\""', 'with blank, comma and "quotes"'),
        ("a" * 255, "a" * 255),
        ('"' + '\\"' * 255 + '"', '"' * 255),
    ],
)
def test_a_key_is_read_in_quotes_and_bare(value: str, text: str) -> None:
    assert read_key(value, USER) == IdempotencyKey("user:7", text)


@pytest.mark.parametrize(
    "value",
    [
        *("", '""', "a b", "a,b", f"{RANDOM},{RANDOM}", f'"{RANDOM}", "{RANDOM}"', '"a', '"a"b', '"a\\b"'),
        *("schlüssel", '"schlüssel"', "a" * 256, f'"{"a" * 256}"', '"' + "\\" * 8000, "\x7f", 'a"b', "a\\b"),
    ],
)
def test_what_is_no_key_is_refused(value: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_key(value, USER)

    assert list(refused.value.errors) == ["Idempotency-Key"]


@pytest.mark.parametrize(
    "make",
    [
        *(lambda: str(uuid.uuid4()), lambda: str(uuid.uuid4()).upper(), lambda: uuid.uuid4().hex),
        lambda: str(uuid7()),
        *(lambda: secrets.token_hex(16), lambda: secrets.token_hex(32), lambda: secrets.token_urlsafe(16)),
        lambda: "".join(secrets.choice(NANOID) for _ in range(21)),  # nanoid
        lambda: "".join(secrets.choice(CUID) for _ in range(24)),  # cuid2
        lambda: "01HV" + "".join(secrets.choice(CROCKFORD) for _ in range(22)),  # ulid
        lambda: "upload-" + str(uuid.uuid4()),
        lambda: "".join(secrets.choice(CUID) for _ in range(21)),  # a nanoid to which chance gave no capitals
    ],
)
def test_random_keys_of_every_common_kind_do_without_a_token(make: Callable[[], str]) -> None:
    refused = [key for key in (make() for _ in range(2000)) if not is_unguessable(key)]

    assert refused == []


@pytest.mark.parametrize(
    "key",
    [
        *("1", "upload-1", "photo.png", "1700000000000", "65f1a2b3c4d5e6f708192a3b", "a" * 64, "0" * 32),
        *("c232ab00-9414-11ec-b3c8-9f6bdeced846", "1ec9414c-232a-6b00-b3c8-9f6bdeced846"),  # time and host
        *(str(uuid.uuid5(uuid.NAMESPACE_URL, "photo.png")), str(uuid.UUID(int=0))),
    ],
)
def test_a_key_that_a_neighbour_could_guess_needs_a_token(key: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_key(key, ANONYMOUS)

    assert "UUID" in str(refused.value.errors)
    assert read_key(key, USER).text == key


def test_what_is_kept_opens_only_with_the_key_and_for_its_principal() -> None:
    key = read_key(RANDOM, ANONYMOUS)
    sealed = key.seal(b"the delete token")

    assert key.unseal(sealed) == b"the delete token"
    assert b"token" not in sealed
    assert key.seal(b"the delete token") != sealed
    for other in (IdempotencyKey("192.0.2.8", RANDOM), IdempotencyKey("192.0.2.7", RANDOM[::-1])):
        with pytest.raises(InternalError):
            other.unseal(sealed)
    for changed in (b"", sealed[:-1], bytes([sealed[0] ^ 1]) + sealed[1:]):
        with pytest.raises(InternalError):
            key.unseal(changed)


def test_no_text_that_a_client_may_send_is_anything_but_a_key_or_refused() -> None:
    chance = Random(7)
    for _ in range(5000):
        value = "".join(chance.choice('"\\,;= \x00\x7f\xffabcé-1') for _ in range(chance.randrange(40)))
        try:
            text = read_key(value, USER).text
        except ValidationFailed:
            continue
        assert 1 <= len(text) <= 255
        assert text.isascii()
        assert text.isprintable()

"""A SHA-256 whose state can be told, against that of `hashlib`."""

import hashlib
import os
import random

from filewallball.storage.sha256_state import IS_PORTABLE, Sha256, new_digest


def test_a_hash_that_is_taken_up_anywhere_ends_like_one_of_hashlib() -> None:
    data = os.urandom(10_000)
    chance = random.Random(7)
    for _ in range(200):
        stops = sorted(chance.choices(range(len(data)), k=5))
        digest = Sha256()
        for start, stop in zip([0, *stops], [*stops, len(data)], strict=True):
            digest.update(data[start:stop])
            digest = Sha256(digest.state())

        assert digest.hexdigest() == hashlib.sha256(data).hexdigest()
        assert digest.count == len(data)


def test_a_copy_goes_its_own_way() -> None:
    digest = Sha256()
    digest.update(b"abc")
    copy = digest.copy()
    copy.update(b"def")

    assert (digest.hexdigest(), copy.hexdigest()) == (
        hashlib.sha256(b"abc").hexdigest(),
        hashlib.sha256(b"abcdef").hexdigest(),
    )


def test_states_are_told_where_the_tests_run() -> None:
    assert IS_PORTABLE
    assert isinstance(new_digest(), Sha256)


def test_more_than_32_bits_of_length_are_counted() -> None:
    digest, piece = Sha256(), bytes(16 * 1024 * 1024)
    for _ in range(33):
        digest.update(piece)

    assert digest.count == 33 * len(piece) > 2**32 // 8

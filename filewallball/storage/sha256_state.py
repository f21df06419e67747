"""A SHA-256 that one process begins and another goes on with.

`hashlib` does not give away the state of a hash. The functions of OpenSSL below it keep theirs in a plain structure,
and are called in the very library that `hashlib` uses. Where that has none of them, a hash ends with its process.
"""

import _hashlib
import ctypes
import hashlib
import ssl
from typing import Any, Protocol, Self

_CONTEXT = ctypes.c_uint32 * 28
"""`SHA256_CTX`: the hash so far, its number of bits (low, high), a block that is not full, and two lengths."""
_BITS = slice(8, 10)
_LENGTHS = slice(26, 28)
_BLOCK_BYTES, _DIGEST_BYTES = 64, 32
STATE_BYTES = ctypes.sizeof(_CONTEXT)
STATE_VERSION = ssl.OPENSSL_VERSION.encode()
"""States are only good for the version that made them."""


class Digest(Protocol):
    """The part of a hash of `hashlib` that is used here."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...

    def copy(self) -> Self: ...


class Sha256:
    """A hash like that of `hashlib`, whose state can be told."""

    def __init__(self, state: bytes | None = None) -> None:
        self._context = _CONTEXT()
        if state is None:
            _functions.SHA256_Init(self._context)
        else:
            ctypes.memmove(self._context, state, STATE_BYTES)

    @property
    def count(self) -> int:
        """The number of bytes that it has seen."""
        low, high = self._context[_BITS]
        return (high << 32 | low) // 8

    @property
    def is_sound(self) -> bool:
        """False for a state that no hash can have, and with which OpenSSL would write beyond its structure."""
        filled, size = self._context[_LENGTHS]
        return (
            self._context[_BITS][0] % 8 == 0 and filled == self.count % _BLOCK_BYTES and size == _DIGEST_BYTES
        )

    def state(self) -> bytes:
        """All that another one needs to go on from here."""
        return bytes(self._context)

    def update(self, data: bytes, /) -> None:
        _functions.SHA256_Update(self._context, data, len(data))

    def hexdigest(self) -> str:
        digest = ctypes.create_string_buffer(_DIGEST_BYTES)
        _functions.SHA256_Final(digest, _CONTEXT.from_buffer_copy(self._context))
        return digest.raw.hex()

    def copy(self) -> Self:
        return type(self)(self.state())


def new_digest() -> Digest:
    """A SHA-256 of nothing yet."""
    return Sha256() if IS_PORTABLE else hashlib.sha256()


def _loaded() -> Any:
    """OpenSSL's functions: whatever the module below `hashlib` is linked with has them under their names."""
    library = ctypes.CDLL(_hashlib.__file__)
    library.SHA256_Init.argtypes = [ctypes.c_void_p]
    library.SHA256_Update.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    library.SHA256_Final.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    return library


def _is_right() -> bool:
    """True if a hash that is taken up in the middle of a block ends like one of `hashlib`."""
    data = bytes(range(256)) * 3
    first = Sha256()
    first.update(data[:333])
    second = Sha256(first.state())
    second.update(data[333:])
    return second.count == len(data) and second.hexdigest() == hashlib.sha256(data).hexdigest()


try:
    _functions = _loaded()
    IS_PORTABLE = _is_right()
except (AttributeError, OSError):
    IS_PORTABLE = False

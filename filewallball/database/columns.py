"""The kinds of column that tables are made of, alike on SQLite and MariaDB."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Integer,
    LargeBinary,
    String,
    Text,
    and_,
    func,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

_MARIADB = ("mysql", "mariadb")


def code_type(length: int) -> TypeEngine[str]:
    """Ids, hashes and codes: ASCII compared byte by byte."""
    return _Code(length)


class _Code(TypeDecorator[str]):
    """Other text than ASCII, which a client may well ask for, equals no code; MariaDB would refuse to compare it."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    @property
    def python_type(self) -> type[str]:
        return str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name not in _MARIADB:
            return dialect.type_descriptor(String(self.length))
        return dialect.type_descriptor(mysql.VARCHAR(self.length, charset="ascii", collation="ascii_bin"))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """One function, where `process_bind_param` would take three: an upload's rows have 26 codes."""
        return as_code


def as_code(value: str | None) -> str | None:
    """A value as it is compared with codes: what is not ASCII is written out."""
    if value is None or value.isascii():
        return value
    return value.encode("ascii", "backslashreplace").decode()


def name_type(length: int) -> TypeEngine[str]:
    """Text that people write: any Unicode, compared code point by code point, never folded together."""
    return String(length).with_variant(
        mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), *_MARIADB
    )


def equals(column: Column[str], value: str) -> ColumnElement[bool]:
    """That a column holds this text and no other: `=` finds it by an index, but on MariaDB overlooks spaces at the
    end."""
    return and_(column == value, func.hex(column) == value.encode().hex().upper())


def text_type() -> TypeEngine[str]:
    """Long text with the promises of `name_type`."""
    return Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), *_MARIADB)


def sealed_type() -> TypeEngine[bytes]:
    """Encrypted bytes, up to 16 MiB."""
    return LargeBinary().with_variant(mysql.MEDIUMBLOB(), *_MARIADB)


def packed_type() -> TypeEngine[bytes]:
    """An IP address as 16 bytes (IPv4 mapped), so that a network is a range."""
    return LargeBinary(16).with_variant(mysql.VARBINARY(16), *_MARIADB)


def key_type() -> TypeEngine[int]:
    """A 64-bit row number that SQLite also takes as its own rowid."""
    return BigInteger().with_variant(Integer(), "sqlite")

"""How values go to PostgreSQL and come back: as they do with SQLite.

Whole numbers are bigint, whatever their size, so that a statement has one plan; truth is 0 or 1.
PostgreSQL's text cannot hold the sign NUL, and what strangers write may: a sign that no text has is
written for it.
"""

from collections.abc import Sequence
from typing import Any

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader
from psycopg.types.string import BytesBinaryDumper

# U+FDD0 is for use inside of programs only. Where a text has it all the same, a 1 follows it.
MARK = "\ufdd0"
_NUL, _MARK_ITSELF = MARK + "0", MARK + "1"


def encode_text(text: str) -> bytes:
    """Return a text as it is sent."""
    if "\0" in text or MARK in text:
        text = text.replace(MARK, _MARK_ITSELF).replace("\0", _NUL)
    return text.encode()


def decode_text(data: Buffer, nul: str = "\0") -> str:
    """Return a text that was read."""
    text = str(data, "utf-8")
    if MARK in text:
        text = text.replace(_NUL, nul).replace(_MARK_ITSELF, MARK)
    return text


class Null:
    """A null of a type: PostgreSQL makes another plan for each combination of types."""


class BigintNull(Null):
    """Of bigint."""


class BytesNull(Null):
    """Of bytea."""


class FloatNull(Null):
    """Of double precision."""


# A null of text needs none: a text's type is left open, too.
NULLS = {"bigint": BigintNull(), "bytea": BytesNull(), "double precision": FloatNull()}


class _TextDumper(Dumper):
    format = Format.TEXT
    oid = 0  # PostgreSQL sees what it is needed for

    def dump(self, obj: Any) -> bytes:
        return encode_text(obj)


class _NullDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> None:
        return None


class _BigintNullDumper(_NullDumper):
    oid = 20


class _BytesNullDumper(_NullDumper):
    oid = 17


class _FloatNullDumper(_NullDumper):
    oid = 701


class _TextLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        return decode_text(data)


class _JsonLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        return decode_text(data, "\\u0000")


class _JsonbLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        return decode_text(bytes(data)[1:], "\\u0000")


class _TruthLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> int:
        return int(data != b"\0")


class _NumericLoader(NumericBinaryLoader):
    def load(self, data: Buffer) -> Any:
        value = super().load(data)
        return int(value) if value == value.to_integral_value() else float(value)


_DUMPERS: Sequence[tuple[type, type[Dumper]]] = (
    (int, Int8BinaryDumper),
    (bool, Int8BinaryDumper),
    (str, _TextDumper),
    (bytes, BytesBinaryDumper),
    (BigintNull, _BigintNullDumper),
    (BytesNull, _BytesNullDumper),
    (FloatNull, _FloatNullDumper),
)
_LOADERS: Sequence[tuple[str | int, type[Loader]]] = (
    *((name, _TextLoader) for name in ("text", "varchar", "bpchar", "name", 705)),
    ("bool", _TruthLoader),
    ("numeric", _NumericLoader),
    ("json", _JsonLoader),
    ("jsonb", _JsonbLoader),
)


def register_values(context: AdaptContext) -> None:
    """Have a connection send and read values so."""
    adapters = context.adapters
    for kind, dumper in _DUMPERS:
        adapters.register_dumper(kind, dumper)
    for name, loader in _LOADERS:
        adapters.register_loader(name, loader)

"""Columns of values as PostgreSQL's arrays, in its binary format."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from tidings.store.postgres.values import encode_text

_HEAD = struct.Struct(">iiiii")  # dimensions, whether one is null, type, elements, first place
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)
_EMPTY = struct.Struct(">iii")


class Array(bytes):
    """An array in the format that is sent."""


class BigintArray(Array):
    """Of bigint."""


class FloatArray(Array):
    """Of double precision."""


class TextArray(Array):
    """Of text."""


class BytesArray(Array):
    """Of bytea."""


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


class _BigintArrayDumper(_ArrayDumper):
    oid = 1016


class _FloatArrayDumper(_ArrayDumper):
    oid = 1022


class _TextArrayDumper(_ArrayDumper):
    oid = 1009


class _BytesArrayDumper(_ArrayDumper):
    oid = 1001


DUMPERS: Sequence[tuple[type[Array], type[Dumper]]] = (
    (BigintArray, _BigintArrayDumper),
    (FloatArray, _FloatArrayDumper),
    (TextArray, _TextArrayDumper),
    (BytesArray, _BytesArrayDumper),
)


def _sized(values: Sequence[bytes | None]) -> bytes:
    return b"".join(
        [
            part
            for value in values
            for part in ((_NULL,) if value is None else (_LENGTH(len(value)), value))
        ]
    )


def _fixed(sign: str) -> Callable[[Sequence[Any]], bytes]:
    one = struct.Struct(f">{sign}").pack

    def write(values: Sequence[Any]) -> bytes:
        try:
            if None in values:
                return _sized([None if value is None else one(value) for value in values])
            flat = [8] * (2 * len(values))
            flat[1::2] = values
            return struct.pack(">" + f"i{sign}" * len(values), *flat)
        except struct.error as error:
            raise psycopg.DataError(f"a value is out of its type's range: {error}") from None

    return write


def _texts(values: Sequence[Any]) -> bytes:
    return _sized([None if value is None else encode_text(value) for value in values])


_KINDS: dict[str, tuple[type[Array], int, Callable[[Sequence[Any]], bytes]]] = {
    "bigint": (BigintArray, 20, _fixed("q")),
    "double precision": (FloatArray, 701, _fixed("d")),
    "text": (TextArray, 25, _texts),
    "bytea": (BytesArray, 17, _sized),
}


def array_of(kind: str, values: Sequence[Any]) -> Array:
    """Return values as an array of this type, to be bound."""
    made, oid, write = _KINDS[kind]
    if not values:
        return made(_EMPTY.pack(0, 0, oid))
    head = _HEAD.pack(1, int(None in values), oid, len(values), 1)
    return made(head + write(values))

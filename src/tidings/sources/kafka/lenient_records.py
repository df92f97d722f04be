"""Records with names of headers that are not UTF-8, which the client library does not survive.

It parses a batch record by record, and raises where a name cannot be decoded: whoever asks gets
nothing of the batch, now and whenever it is fetched again. So a batch in which that happens is
parsed once more here, and such a name is handed over as `BrokenName`. The library has no way in but
the name by which it calls its own class, which is set to ours when this module is imported.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record import default_records, memory_records
from aiokafka.record.util import decode_varint

_LENGTH_AT, _HEAD_BYTES, _MAGIC_AT = 8, 12, 16
_MAGIC = 2  # the format that has headers


class BrokenName(str):
    """The name of a header that was not UTF-8, with marks for what could not be read."""

    __slots__ = ()


class LenientRecords:
    """`MemoryRecords` of the library, with batches that can be read."""

    def __init__(self, bytes_data: bytes) -> None:
        self._records: Any = memory_records.MemoryRecords(bytes_data)
        self._bytes = memoryview(bytes_data)
        self._at = 0

    def has_next(self) -> bool:
        """Return whether there is another batch."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """Return how much was fetched, in bytes."""
        return int(self._records.size_in_bytes())

    def next_batch(self) -> Any:
        """Return the next batch; one of an old format, which has no headers, as it is."""
        batch = self._records.next_batch()
        begin = self._at
        length = int.from_bytes(self._bytes[begin + _LENGTH_AT : begin + _HEAD_BYTES], "big")
        self._at = begin + _HEAD_BYTES + length
        raw = self._bytes[begin : self._at]
        has_headers = len(raw) > _MAGIC_AT and raw[_MAGIC_AT] == _MAGIC
        return LenientBatch(batch, raw) if has_headers else batch


class LenientBatch:
    """A batch of records. What it is asked besides is the library's batch to say."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        given = 0
        try:
            for record in self._batch:
                given += 1
                yield record
        except UnicodeDecodeError:
            yield from parse_records(self._raw, given)
        except CorruptRecordException as error:
            if not isinstance(error.__cause__, UnicodeDecodeError):
                raise
            yield from parse_records(self._raw, given)


def parse_records(raw: memoryview, skipped: int) -> Iterator[Any]:
    """Parse the records of a batch but for the first ones. Raises CorruptRecordException."""
    batch = default_records._DefaultRecordBatchPy(raw)
    iter(batch)  # uncompressed
    buffer, at = batch._buffer, batch._pos
    try:
        for number in range(batch._num_records):
            length, at = decode_varint(buffer, at)
            if number >= skipped:
                yield _record(batch, buffer, at)
            at += length
    except (ValueError, IndexError) as error:
        raise CorruptRecordException(f"invalid record structure: {error!r}") from error


def _record(batch: Any, buffer: bytearray, at: int) -> Any:
    _, at = decode_varint(buffer, at)  # attributes
    since, at = decode_varint(buffer, at)
    is_of_log = batch.timestamp_type == batch.LOG_APPEND_TIME
    timestamp = batch.max_timestamp if is_of_log else batch.first_timestamp + since
    delta, at = decode_varint(buffer, at)
    key, at = _bytes_at(buffer, at)
    value, at = _bytes_at(buffer, at)
    count, at = decode_varint(buffer, at)
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, at = _bytes_at(buffer, at)
        content, at = _bytes_at(buffer, at)
        headers.append((_name(name or b""), content))
    return default_records._DefaultRecordPy(
        batch.base_offset + delta, timestamp, batch.timestamp_type, key, value, headers
    )


def _bytes_at(buffer: bytearray, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(buffer, at)
    return (None, at) if length < 0 else (bytes(buffer[at : at + length]), at + length)


def _name(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return BrokenName(name.decode("utf-8", "replace"))


fetcher.MemoryRecords = LenientRecords

"""A name of a header that is not UTF-8 takes nothing of its batch with it."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record import default_records

from tidings.core.sources.message import HEADERS_MAX, READ_HEADERS_MAX, defect_of
from tidings.sources.kafka.lenient_records import BrokenName, LenientRecords
from tidings.sources.kafka.reading import _message


def batch(names: Sequence[str], codec: int = 0, begin: int = 0) -> bytes:
    builder = default_records._DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, -1, 1 << 20)
    for n, name in enumerate(names):
        key = b"k" if n % 2 else None
        builder.append(n, 1000 + n, key, b"v%d" % n * 50, [(name, b"\xff" if n else None)])
    return begin.to_bytes(8, "big") + bytes(builder.build())[8:]


def broken(*batches: bytes) -> bytes:
    """With names that are not UTF-8 in place of `AB`, and of `É`, which compression keeps."""
    return b"".join(batches).replace(b"AB", b"\xff\xfe")


def records(raw: bytes) -> list[Any]:
    found = []
    read = LenientRecords(raw)
    assert read.size_in_bytes() == len(raw)
    while read.has_next():
        found += list(read.next_batch())
    return found


def told(record: Any) -> tuple[Any, ...]:
    headers = [(str(name), value) for name, value in record.headers]
    return record.offset, record.timestamp, record.key, record.value, headers


@pytest.mark.parametrize("at", [0, 1, 2])
def test_all_records_of_a_batch_come_and_the_broken_one_is_known(at: int) -> None:
    names = ["ok", "größe", "zz"]
    whole = records(batch(names))
    names[at] = "AB"
    found = records(broken(batch(names), batch(["next"], begin=3)))
    assert [record.offset for record in found] == [0, 1, 2, 3]
    for n, record in enumerate(found[:3]):
        [(name, _)] = record.headers
        assert isinstance(name, BrokenName) is (n == at)
        if n != at:
            assert told(record) == told(whole[n])


def test_a_compressed_batch_is_read_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    gzip_encode = default_records.gzip_encode
    packed: list[bytes] = []

    def pack(raw: bytes) -> bytes:
        packed.append(gzip_encode(bytes(raw).replace(b"AB", b"\xff\xfe")))
        return packed[-1]

    monkeypatch.setattr(default_records, "gzip_encode", pack)
    raw = batch(["a", "AB", "c"], codec=1)
    assert packed[0] in raw
    names = [record.headers[0][0] for record in records(raw)]
    assert [isinstance(name, BrokenName) for name in names] == [False, True, False]


def test_the_client_library_reads_by_it() -> None:
    assert fetcher.MemoryRecords is LenientRecords


def test_a_record_with_a_broken_name_is_put_aside_with_its_bytes() -> None:
    for record in records(broken(batch(["ok", "AB"]))):
        message = _message("c/t/i/0/1", _of_topic(record))
        defect = defect_of(message)
        assert message.body == record.value
        assert (defect is None) is (record.offset == 0)
        if defect is not None:
            assert defect.code == "bad_message_headers" and message.headers[-1][0] == "\ufffd\ufffd"


def test_a_record_of_very_many_headers_is_put_aside_without_reading_them_all() -> None:
    headers = tuple((f"h{n}", b"") for n in range(READ_HEADERS_MAX * 50))
    record = SimpleNamespace(topic="t", key=b"k", value=b"1", headers=headers)
    message = _message("p", record)
    assert HEADERS_MAX < len(message.headers) <= READ_HEADERS_MAX + 2
    defect = defect_of(message)
    assert defect is not None and defect.code == "too_many_headers"


def _of_topic(record: Any) -> Any:
    return SimpleNamespace(
        topic="t", key=record.key, value=record.value, headers=tuple(record.headers)
    )

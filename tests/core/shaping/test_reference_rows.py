"""Bulk loads: rows come out whole wherever the bytes are cut, and a bad one harms no other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.shaping.reference_rows import (
    LINE_BYTES_MAX,
    LoadRefused,
    ParsedReferenceRow,
    RowError,
    reader,
)
from tidings.core.shaping.reference_rules import RecordKind

CSV, NDJSON = "text/csv; charset=utf-8", "application/x-ndjson"
FILE = (
    b"\xef\xbb\xbfid,mobile,email,cardNumbers,pointsBalance,wechat.brand.unionId,wechat.brand.x\r\n"
    b'41,15550100,"asha, ""A""\nb@example.test",6000; 7000,4.5,u1,x1\r\n'
    b"\r\n"
    b'42,1,"caf\xc3\xa9",,0,,\r\n'
    b"43,2,,,,,"
)


def read(
    content: bytes, kind: RecordKind = RecordKind.CUSTOMERS, type: str = CSV, cut: int = 1 << 20
) -> Any:
    found = reader(kind, type)
    assert found is not None
    rows, records = found
    out: list[ParsedReferenceRow | RowError] = []
    for at in range(0, len(content), cut):
        out += rows.feed(content[at : at + cut])
    return [*out, *rows.end()], records


def shown(rows: list[ParsedReferenceRow | RowError]) -> list[Any]:
    return [
        (row.line, row.id, json.loads(row.value))
        if isinstance(row, ParsedReferenceRow)
        else (row.line, row.refusal.code)
        for row in rows
    ]


@pytest.mark.parametrize("cut", [1, 2, 7, 64, 1 << 20])
def test_csv_is_read_wherever_it_is_cut(cut: int) -> None:
    rows, records = read(FILE, cut=cut)
    identifiers = [
        {"identifierType": "unionId", "identifierValue": "u1"},
        {"identifierType": "x", "identifierValue": "x1"},
    ]
    assert shown(rows) == [
        (
            2,
            "41",
            {
                "mobile": "15550100",
                "email": 'asha, "A"\nb@example.test',
                "cardNumbers": ["6000", "7000"],
                "pointsBalance": 4.5,
                "sources": {
                    "wechat": {"accounts": [{"accountId": "brand", "identifiers": identifiers}]}
                },
            },
        ),
        (5, "42", {"mobile": "1", "email": "café", "pointsBalance": 0}),
        (6, "43", {"mobile": "2"}),
    ]
    assert list(records.ignored) == []


def test_a_bad_row_is_told_with_its_line_and_the_others_are_kept() -> None:
    content = b'id,name,shoe\n1,a,\n2,b\n,c,\n3,\xff,\n4,,\n5,e,43\n6,"f'
    rows, records = read(content, RecordKind.STORES)
    assert shown(rows) == [
        (2, "1", {"name": "a"}),
        (3, "bad_csv"),
        (4, "bad_id"),
        (5, "bad_csv"),
        (6, "empty_record"),
        (7, "5", {"name": "e"}),
        (8, "bad_csv"),
    ]
    assert list(records.ignored) == ["shoe"]


def test_ndjson_rows_stand_for_themselves() -> None:
    content = (
        b'{"id":1,"mobile":"a"}\n\n[1]\nnope\n{"id":2,"mobile":3}\n{"mobile":"x"}\n'
        + b"[" * 5000
        + b'\n{"id":"z","mobile":"b"}'
    )
    rows, _ = read(content, type=NDJSON)
    assert shown(rows) == [
        (1, "1", {"mobile": "a"}),
        (3, "bad_json"),
        (4, "bad_json"),
        (5, "bad_type"),
        (6, "bad_id"),
        (7, "bad_json"),
        (8, "z", {"mobile": "b"}),
    ]


@pytest.mark.parametrize("cut", [1000, 1 << 20])
def test_a_line_without_end_takes_no_memory_and_spoils_nothing_after_it(cut: int) -> None:
    content = b'{"id":1,"mobile":"' + b"x" * (3 * LINE_BYTES_MAX) + b'"}\n{"id":2,"mobile":"b"}\n'
    rows, _ = read(content, type=NDJSON, cut=cut)
    assert shown(rows) == [(1, "too_large"), (2, "2", {"mobile": "b"})]


def test_quotes_that_never_close_end_the_load() -> None:
    with pytest.raises(LoadRefused, match="from line 2 on. Close its quotes"):
        read(b'id,name\n1,"a\n' + b"2,b\n" * LINE_BYTES_MAX, RecordKind.STORES)


@pytest.mark.parametrize("header", [b"name,code", b"id,name,name", b'"', b"\xff"])
def test_a_header_must_name_the_columns(header: bytes) -> None:
    with pytest.raises(LoadRefused, match="The first line must name the columns") as refused:
        read(header + b'\n1,a\n"\n', RecordKind.STORES)
    assert [refusal.code for refusal in refused.value.refusals] == ["bad_load"], (
        "what callers are answered"
    )


def test_other_types_are_not_read() -> None:
    assert reader(RecordKind.STORES, "application/json") is None


@given(st.binary(max_size=300), st.integers(1, 40), st.sampled_from([CSV, NDJSON]))
def test_no_bytes_break_the_reader(content: bytes, cut: int, type: str) -> None:
    for start in (b"", b"id,name\n"):
        try:
            rows, _ = read(start + content, RecordKind.STORES, type, cut)
        except LoadRefused:
            continue
        assert all(row.line >= 1 for row in rows)

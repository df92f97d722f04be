"""Records of reference data: what is kept, and what is refused in words."""

from typing import Any

import msgspec
import pytest

from tidings.core.shaping.reference_rules import (
    RecordKind,
    RecordRefused,
    read_id,
    read_record,
    unknown_fields,
)


def kept(kind: RecordKind, **fields: Any) -> Any:
    return msgspec.json.decode(read_record(kind, fields))


def test_a_record_keeps_its_known_fields_and_drops_empty_ones() -> None:
    source = {
        "accounts": [
            {
                "accountId": "a",
                "identifiers": [{"identifierType": "unionId", "identifierValue": "u"}],
            }
        ]
    }
    record = {
        "mobile": "15550100",
        "email": "",
        "cardNumbers": ["6000"],
        "pointsBalance": 0,
        "sources": {"wechat": source},
    }
    made = kept(RecordKind.CUSTOMERS, id=7, shoe=43, **record)
    assert made == {name: value for name, value in record.items() if name != "email"}
    assert unknown_fields(RecordKind.CUSTOMERS, {"id": 7, "shoe": 43, "mobile": "1"}) == ["shoe"]
    assert kept(RecordKind.TILLS, code="t", storeId=9) == {"code": "t", "storeId": 9}
    store = {"code": "s", "name": "n", "externalId": "e", "externalId1": "1", "externalId2": "2"}
    assert kept(RecordKind.STORES, **store) == store


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({}, "empty_record", "-"),
        ({"mobil": "1"}, "empty_record", "-"),
        ({"mobile": 15550100}, "bad_type", "mobile"),
        ({"mobile": "1" * 256}, "bad_type", "mobile"),
        ({"cardNumbers": "6000"}, "bad_type", "cardNumbers"),
        ({"cardNumbers": ["6"] * 101}, "bad_type", "cardNumbers"),
        ({"pointsBalance": "4"}, "bad_type", "pointsBalance"),
        ({"sources": {"wechat": []}}, "bad_type", "sources[...]"),
        (
            {
                "cardNumbers": ["é" * 64] * 100,
                "sources": {
                    str(n): {"accounts": [{"accountId": "a" * 255, "identifiers": []}] * 5}
                    for n in range(9)
                },
            },
            "too_large",
            "-",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_field_and_without_its_value(
    fields: dict[str, Any], code: str, path: str
) -> None:
    with pytest.raises(RecordRefused) as refused:
        read_record(RecordKind.CUSTOMERS, fields)
    told = refused.value.reason
    assert (told.code, told.field) == (code, path)
    assert " must " in told.message and "; got " in told.message and f"({code}, " in told.message
    assert "15550100" not in told.message and "1111" not in told.message


@pytest.mark.parametrize(
    ("given", "id"), [(7, "7"), (7.0, "7"), ("7", "7"), (-1, "-1"), ("a b/ü", "a b/ü")]
)
def test_an_id_is_a_whole_number_or_text(given: Any, id: str) -> None:
    assert read_id(given) == id


@pytest.mark.parametrize("given", [None, "", True, 7.5, [], "a\nb", "x" * 129, 1 << 70])
def test_what_is_no_id_is_refused(given: Any) -> None:
    with pytest.raises(RecordRefused, match="id must be a whole number or text"):
        read_id(given)

"""Asking the platform: paths that cannot be left, and answers that are read or refused in words."""

from typing import Any

import pytest

from tidings.core.ids import OrgId
from tidings.core.shaping.platform_rules import (
    ASKED,
    NO_RECORD,
    AnswerRefused,
    PlatformRecordUnfit,
    check_template,
    fill,
    read_answer,
    read_map,
)


@pytest.mark.parametrize(
    ("id", "path"),
    [("7", "/1/c/7?f=a"), ("a/../b?x#", "/1/c/a%2F..%2Fb%3Fx%23?f=a"), ("{orgId}", None)],
)
def test_an_id_stays_in_its_place(id: str, path: str | None) -> None:
    assert fill("/{orgId}/c/{id}?f=a", OrgId(1), id) == (path or "/1/c/%7BorgId%7D?f=a")


@pytest.mark.parametrize("id", [".", ".."])
def test_an_id_that_means_a_folder_is_not_asked_for(id: str) -> None:
    with pytest.raises(ValueError):
        fill("/c/{id}", OrgId(1), id)


@pytest.mark.parametrize("template", ["/c/{id}", "/v1/{orgId}/c/{id}/points?x=%20y"])
def test_a_template_names_the_id(template: str) -> None:
    check_template(template)


@pytest.mark.parametrize(
    "template", ["/c", "c/{id}", "//host/{id}", "/c/{id}/{key}", "/c/{id}#x", "/c/{id} x", "/{"]
)
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="a path"):
        check_template(template)


def answer(body: bytes, kind: str = "customers", status: int = 200, /, **fields: Any) -> Any:
    return read_answer(kind, status, body, True, fields)


@pytest.mark.parametrize(
    ("kind", "body", "record"),
    [
        ("customers", b'{"mobile":"1","email":null,"more":[1]}', {"mobile": "1"}),
        ("customers", b'{"data":{"externalId":41}}', {"externalId": "41"}),
        ("customers", b'{"unknown":1}', None),
        ("tills", b'{"code":"t","storeId":9}', {"code": "t", "storeId": "9"}),
        ("stores", b'{"name":"n"}', {"name": "n"}),
        ("balances", b'{"pointsBalance":4.5}', {"pointsBalance": 4.5}),
        (
            "awards",
            b'{"awardedReferenceIds":{"regularPointsBreakup":[1,"b"]}}',
            {"awardedReferenceIds": {"regularPointsBreakup": [1, "b"]}},
        ),
        ("awards", b"{}", None),
    ],
)
def test_an_answer_is_a_record_bare_or_under_data(kind: str, body: bytes, record: Any) -> None:
    assert answer(body, kind) == record


@pytest.mark.parametrize("kind", ASKED)
@pytest.mark.parametrize("status", NO_RECORD)
def test_a_question_that_is_to_blame_finds_nothing(status: int, kind: str) -> None:
    """The id came with an event: who sends events must not make the platform look down."""
    assert answer(b"<html>", kind, status) is None


@pytest.mark.parametrize("kind", ASKED)
@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", 500), (b"{}", 401), (b"{}", 302), (b"{}", 204), (b"<html>", 200), (b"[]", 200)]
    + [(b"[" * 5000, 200), (b"", 200)],
)
def test_what_is_no_answer_counts_against_the_platform(body: bytes, status: int, kind: str) -> None:
    with pytest.raises(AnswerRefused, match="must"):
        answer(body, kind, status)
    with pytest.raises(AnswerRefused, match="16 KiB"):
        read_answer(kind, 200, b'{"mobile":"1"', False, {})


UNFIT = [
    ("stores", b'{"name":["secret-value"]}'),
    ("tills", b'{"code":{"is":"secret-value"}}'),
    ("customers", b'{"mobile":["secret-value"]}'),
    ("customers", b'{"mobile":"' + b"secret-value" * 40 + b'"}'),
    ("balances", b'{"pointsBalance":"secret-value"}'),
    ("balances", b"{}"),
    ("awards", b'{"awardedReferenceIds":"secret-value"}'),
]


def test_records_of_every_kind_that_is_asked_for_are_tried() -> None:
    assert {kind for kind, _ in UNFIT} == set(ASKED)


@pytest.mark.parametrize(("kind", "body"), UNFIT)
def test_a_record_that_does_not_fit_is_told_without_its_values(kind: str, body: bytes) -> None:
    with pytest.raises(PlatformRecordUnfit) as unfit:
        answer(body, kind)
    assert "secret-value" not in str(unfit.value)


def test_a_map_says_where_the_fields_stand() -> None:
    fields = read_map(
        (
            "customers.mobile=profiles.0.mobile",
            " customers.externalId = ids.brand ",
            "balances.pointsBalance=points",
        )
    )
    body = b'{"profiles":[{"mobile":"1"}],"ids":{"brand":7},"email":"not mapped"}'
    assert answer(body, **fields["customers"]) == {"mobile": "1", "externalId": "7"}
    assert answer(b'{"profiles":"x"}', **fields["customers"]) is None
    assert answer(b'{"points":3}', "balances", **fields["balances"]) == {"pointsBalance": 3}


@pytest.mark.parametrize(
    "entry",
    ["", "mobile=a", "shoes.size=a", "customers.mobile", "tills.code="]
    + ["tills.code=a..b", "tills.code=" + ".".join("a" * 9)],
)
def test_what_maps_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError):
        read_map((entry,))

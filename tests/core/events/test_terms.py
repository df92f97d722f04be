"""Search terms: what may be a telephone number is found however it is written."""

from itertools import product

import pytest

from tidings.core.events.terms import TERM_BYTES, Terms, phone_digits
from tidings.core.ids import OrgId

ORG = OrgId(7)

TERMS = Terms(b"k" * 32)
WAYS = (
    "919876543210",
    "+919876543210",
    "00919876543210",
    "+91 98765 43210",
    "+91-98765-43210",
    "91 98765 43210",
    "+91\u00a098765\u00a043210",
    "(+91) 98765.43210",
    "+91 98765\u201143210",
    " 919876543210",  # as `+` arrives that was not encoded in an address
)


def found(kept: bytes, asked: bytes) -> bool:
    """Whether an event with the kept terms has one of those that are asked for."""
    have, want = (
        {some[at : at + TERM_BYTES] for at in range(0, len(some), TERM_BYTES)}
        for some in (kept, asked)
    )
    return not have.isdisjoint(want)


@pytest.mark.parametrize(("kept", "asked"), list(product(WAYS, WAYS)))
def test_a_mobile_number_is_found_however_it_is_written(kept: str, asked: str) -> None:
    assert found(TERMS.kept(ORG, [kept]), TERMS.asked(ORG, asked))
    assert not found(TERMS.kept(OrgId(8), [kept]), TERMS.asked(ORG, asked)), "another org's"


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("kept", ["919876543210", "+919876543210", "00919876543210"])
def test_what_was_indexed_by_its_value_alone_is_found_too(kept: str, asked: str) -> None:
    assert found(TERMS.of(ORG, kept), TERMS.asked(ORG, asked))


@pytest.mark.parametrize("value", WAYS)
def test_a_value_is_found_as_it_stands_where_it_was_indexed_alone(value: str) -> None:
    assert found(TERMS.of(ORG, value), TERMS.asked(ORG, value))


def test_other_numbers_stay_others() -> None:
    for other in ("919876543211", "9876543210", "+1 919876543210", "+91 98765 4321"):
        assert not found(TERMS.kept(ORG, [other]), TERMS.asked(ORG, "+91 98765 43210"))


@pytest.mark.parametrize(
    "value",
    ["", "+", "a@example.test", "INV-20418", "123 456", "+91x98765432", "1" * 16, "\u0661" * 9],
)
def test_what_is_no_telephone_number_has_one_term(value: str) -> None:
    assert phone_digits(value) is None
    assert TERMS.kept(ORG, [value]) == TERMS.asked(ORG, value) == TERMS.of(ORG, value)

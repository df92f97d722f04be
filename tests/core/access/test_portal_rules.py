"""What a portal's link is where its maker does not say, and the bounds of what may be said."""

from typing import Any

import pytest

from tidings.core.access.portal_rules import COLOUR, Portal, read_portal
from tidings.core.ids import OrgId

ORG = OrgId(7)

MINUTE_MS = 60_000


def made(**body: Any) -> tuple[Portal, int]:
    found = read_portal(ORG, {"name": "Acme"} | body)
    assert isinstance(found, tuple), found
    return found


def test_a_plain_link_is_for_a_reader_for_ten_minutes_and_stands_alone() -> None:
    portal, lasts_ms = made()
    assert (portal.org, portal.role, portal.name) == (7, "reader", "Acme")
    assert (portal.logo, portal.colour, portal.embed_in) == ("", COLOUR, ())
    assert lasts_ms == 10 * MINUTE_MS == made(expiresInMinutes=None)[1]


@pytest.mark.parametrize("minutes", [1, 2.5, 60])
def test_a_link_lasts_for_as_many_minutes_as_it_says(minutes: float) -> None:
    assert made(expiresInMinutes=minutes)[1] == minutes * MINUTE_MS


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("name", "n" * 60, "n" * 61),
        ("expiresInMinutes", 60, 60.1),
        ("expiresInMinutes", 1, 0.9),
        ("embedIn", [f"https://a{n}.example" for n in range(10)],
         [f"https://a{n}.example" for n in range(11)]),
    ],
)  # fmt: skip
def test_what_is_said_is_taken_up_to_its_bounds(field: str, inside: Any, outside: Any) -> None:
    made(**{field: inside})
    refusals = read_portal(ORG, {"name": "Acme", field: outside})
    assert isinstance(refusals, list) and [refusal.field for refusal in refusals] == [field]


@pytest.mark.parametrize("role", ["admin", "owner", "", "owners"])
def test_no_link_makes_an_admin_or_an_owner(role: str) -> None:
    refusals = read_portal(ORG, {"name": "Acme", "role": role})
    assert isinstance(refusals, list) and [refusal.code for refusal in refusals] == ["bad_role"]

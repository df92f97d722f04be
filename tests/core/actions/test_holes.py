"""Holes of URLs: a value fills one part, and is never a way, a query, or another host."""

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tidings.core.actions.context import Unmade, find, text_of
from tidings.core.actions.placeholders import fill, holes_of, origin_of

URL = "https://api.example:8443/v2/customers/{id}/tiers?mobile={mobile}"


def test_each_hole_is_filled_with_its_value() -> None:
    assert fill(URL, {"id": 17, "mobile": "+91 98"}) == (
        "https://api.example:8443/v2/customers/17/tiers?mobile=%2B91%2098"
    )
    assert holes_of(URL + "&again={id}") == ("id", "mobile")
    assert origin_of(URL) == "https://api.example:8443"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("INV/2024/5", "INV%2F2024%2F5"),
        ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
        ("Zoë", "Zo%C3%AB"),
        ("{mobile}", "%7Bmobile%7D"),
        (True, "true"),
        (10, "10"),
        (Raw(b"10.50"), "10.50"),
        (Raw(b'"text"'), "text"),
        (10.5, "10.5"),
        ("..a", "..a"),
        ("1.5", "1.5"),
    ],
)
def test_a_value_is_one_part_as_text(value: Any, written: str) -> None:
    assert fill("https://a.example/{id}/x", {"id": value}) == f"https://a.example/{written}/x"


@pytest.mark.parametrize(
    "value",
    [
        None, "", {}, [], {"a": 1}, ".", "..", "../admin", "a/../b", "..\\admin", "%2e%2e", "%2E",
        "a/%2e%2e/b", "%252e%252e%252fadmin", "x\r\nHost: other", "a\nb", "a\0b", "\x85", "\ud800",
        "x" * 3000, float("nan"), pytest.param(10**5000, id="huge"), Raw(b"null"), Raw(b"{}"),
        Raw(b"["),
    ],
)  # fmt: skip
def test_what_is_no_part_of_a_url_is_refused_and_not_repeated(value: Any) -> None:
    with pytest.raises(Unmade) as refused:
        fill("https://a.example/{id}/x", {"id": value})
    if isinstance(value, str) and len(value) > 2:
        assert value not in refused.value.reason


def test_dots_of_several_holes_are_no_way_up_either() -> None:
    with pytest.raises(Unmade):
        fill("https://a.example/{a}{b}/x", {"a": "x", "b": ""})
    with pytest.raises(Unmade):
        fill("https://a.example/.{a}/x", {"a": "."})
    assert fill("https://a.example/x?q={a}", {"a": ".."}).endswith("?q=..")


def test_no_value_says_where_a_call_goes() -> None:
    for url in ("https://{a}/x", "https://{a}.example/x", "https://a.example:{a}", "https://{a}"):
        with pytest.raises(Unmade):
            fill(url, {"a": "evil.example"})


@given(st.text(), st.text())
def test_whatever_fills_a_hole_is_read_back_as_that_and_nothing_else_moves(a: str, b: str) -> None:
    try:
        made = fill("https://h.example/p/{a}/q?k={b}&z=1", {"a": a, "b": b})
    except Unmade:
        return
    parts = urlsplit(made)
    assert made.isascii() and made.isprintable() and " " not in made
    assert parts.netloc == "h.example" and not parts.fragment
    before, first, filled, last = parts.path.split("/")
    assert (before, first, unquote(filled), last) == ("", "p", a, "q")
    assert parts.query.count("&") == 1 and unquote(parts.query.split("&")[0][2:]) == b


SEEN = {
    "event": {"data": {"items": [{"sku": "A"}], "amount": Raw(b"10.50"), "n": None}},
    "tier": Raw(b'{"name": "gold", "at": [1.10]}'),
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("event.data.items[0].sku", "A"),
        ("event.data.items[1].sku", None),
        ("event.data.items.sku", None),
        ("event.data.n.x", None),
        ("event.data.amount.x", None),
        ("tier.name", "gold"),
        ("nothing.at.all", None),
    ],
)
def test_a_path_leads_to_what_stands_there(path: str, found: object) -> None:
    assert find(SEEN, path) == found


def test_numbers_keep_their_digits() -> None:
    assert text_of(find(SEEN, "event.data.amount")) == "10.50"
    assert text_of(find(SEEN, "tier.at[0]")) == "1.10"

"""The search finds what it is for: else a test that finds nothing would prove nothing."""

import base64
import json
import quopri
from urllib.parse import quote

import pytest

from tests.e2e.actions.recipes.search import Search

VALUES = ("meera.nair@mail.example", "+919812300777", "आरव शर्मा", "ليلى حداد", "Jonas Weber")


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("before", ["", "x", "yy", "a longer text, and then "])
def test_a_value_is_found_however_it_is_written(value: str, before: str) -> None:
    search = Search([value])
    text = f"{before}{value}, and more"
    for written in (
        text.encode(),
        text.upper().encode(),
        json.dumps({"a": text}).encode(),
        base64.b64encode(text.encode()),
        base64.urlsafe_b64encode(text.encode()),
        base64.b64encode(f"{before}{value}".encode()),
        quote(text).encode(),
        quote(text, safe="").encode(),
        quopri.encodestring(("long " * 13 + text).encode()),
        text.encode("utf-16"),
        text.encode().hex().encode(),
        b"\x00\xff" + text.encode() + b"\x00",
    ):
        assert search.hits([("here", written)]), written


def test_nothing_is_found_where_nothing_is() -> None:
    search = Search(VALUES)
    assert (
        search.hits([("a", b"customer 41200777, Meera, 9198"), ("b", bytes(range(256)) * 99)]) == []
    )

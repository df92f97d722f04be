"""The fields of a form are read as browsers write them, and never at one stretch."""

import asyncio
import time
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from tests.pace import slowness
from tidings.console.form_fields import SLICE_BYTES, parse_fields

TURN_S = 0.005


def parsed(body: bytes, fields_max: int = 400) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in asyncio.run(parsed_form(body, fields_max))]


async def parsed_form(body: bytes, fields_max: int) -> list[tuple[str, object]]:
    return list((await parse_fields(body, fields_max)).multi_items())


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=20))
def test_what_a_browser_writes_is_read(fields: list[tuple[str, str]]) -> None:
    fields = [(_whole(name), _whole(value)) for name, value in fields]
    assert parsed(urlencode(fields).encode()) == fields


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # without halves of surrogate pairs


@given(st.binary(max_size=200))
def test_anything_else_is_read_as_the_standard_library_does(raw: bytes) -> None:
    body = raw.decode("latin-1").encode("ascii", "ignore")
    known = parse_qsl(body.decode(), keep_blank_values=True, errors="replace")
    assert parsed(body) == known


@pytest.mark.parametrize("cut", range(-4, 5))
def test_no_escape_is_cut_in_two_at_the_end_of_a_slice(cut: int) -> None:
    value = "x" * (SLICE_BYTES + cut) + "ü%é" * 10
    body = b"a=" + b"x" * (SLICE_BYTES + cut) + urlencode({"": "ü%é" * 10}).encode()[1:]
    assert parsed(body) == [("a", value)]


@pytest.mark.parametrize("body", [b"&a=1" * 401, b"&" * 500_000, b"a&" * 250_000])
def test_too_many_fields_are_refused(body: bytes) -> None:
    with pytest.raises(HTTPException) as refused:
        parsed(body)
    assert refused.value.status_code == 400
    assert parsed(b"&a=1" * 400) == [("a", "1")] * 400


@pytest.mark.parametrize(
    "body", [b"a=" + b"%22" * 170_000, b"a=" + b"%" * 500_000, b"%22" * 170_000 + b"=1"]
)
async def test_a_form_of_the_greatest_size_leaves_others_their_turns(body: bytes) -> None:
    form = asyncio.ensure_future(parse_fields(body, 400))
    longest_s = 0.0
    while not form.done():
        began_s = time.thread_time()
        await asyncio.sleep(0)
        longest_s = max(longest_s, time.thread_time() - began_s)
    [(name, value)] = form.result().multi_items()
    assert len(name) + len(str(value)) >= 170_000
    assert longest_s <= TURN_S * slowness(), f"{longest_s * 1e3:.1f} ms"

"""Events of the greatest size that once held the event loop: no rule costs more than their size."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pace import reference_s
from tidings.core.events.cloudevents import ATTRIBUTES_MAX, flatten, structured
from tidings.core.events.envelope import (
    FIELDS_MAX,
    EventFault,
    decode,
    deeper,
    refuse_twins,
)

HEAD = b'{"specversion":"1.0","source":"s","id":"1","type":"a.b",'
SIZE = 256 << 10
WORST_S = 0.012  # what half of the greatest event takes to be read, on a machine that is shared


def of_size(item: bytes) -> bytes:
    return item * ((SIZE - 300) // len(item))


DEEP = b"[" * 62 + b"]" * 62 + b","
ROOMY = b"[    " * 62 + b"]" * 62 + b","  # as many lists as an event of its size may have
SAWS = b"[    " * 60 + b"]" * 59 + b"," + b"[    " * 59 + b"]" * 60 + b","
BOMBS = {
    "deep values with room": b'{"a":[' + of_size(ROOMY) + b"1]}",
    "deep values with room and escapes": b'{"x":"\\u0041","a":[' + of_size(ROOMY) + b"1]}",
    "saws": b'{"a":[' + of_size(SAWS) + b"1]}",
    "objects with room": b'{"a":[' + of_size(b'{"":1},') + b"1]}",
    "brackets that are text": b'{"a":"' + of_size(b"[{") + b'"}',
    "brackets and nothing else": b"[" * SIZE,
    "fields at the top": b"{" + b",".join(b'"%d":1' % n for n in range(30_000)) + b"}",
    "fields at the top and escapes": b'{"\\u0041":1,'
    + b",".join(b'"%d":1' % n for n in range(1_990))
    + b',"a":"'
    + of_size(b":")
    + b'"}',
    "attributes": HEAD + b",".join(b'"x%d":1' % n for n in range(20_000)) + b"}",
    "an attribute again and again": HEAD + of_size(b'"x":1,') + b'"y":1}',
    "lists": b'{"a":[' + of_size(b"[],") + b"1]}",
    "deep values": b'{"a":[' + of_size(DEEP) + b"1]}",
    "deep values and escapes": b'{"x":"\\u0041","a":[' + of_size(DEEP) + b"1]}",
    "keys and escapes": b'{"x":"\\u0041",' + of_size(b'"k":[],') + b'"l":1}',
    "escapes": b'{"a":"' + of_size(b'\\"{') + b'"}',
}


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No collection looks through all that pytest has made while something is timed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("bomb", BOMBS)
def test_no_event_holds_the_loop(bomb: str) -> None:
    raw = BOMBS[bomb]

    def read() -> None:
        try:
            if raw.startswith(HEAD):
                flatten(structured(raw, 64), 1, 0)
            else:
                decode(raw, 64)
        except EventFault as fault:
            assert fault.code in ("cloudevent", "duplicate_key", "too_deep", "too_many_values")

    best_s = reference_s(read, WORST_S)
    assert best_s <= WORST_S, f"{best_s * 1e3:.0f} ms"


def test_a_cloudevent_has_so_many_attributes_and_no_more() -> None:
    def made(count: int) -> bytes:
        return HEAD + b",".join(b'"x%d":1' % n for n in range(count)) + b"}"

    assert flatten(structured(made(ATTRIBUTES_MAX - 4), 64), 1, 0)
    with pytest.raises(EventFault, match="at most 1000 attributes"):
        structured(made(ATTRIBUTES_MAX - 3), 64)


_NESTED = st.recursive(
    st.just("1") | st.just('"{["'),
    lambda inner: st.lists(inner, max_size=4).map(lambda parts: f"[{','.join(parts)}]"),
    max_leaves=60,
)


@given(_NESTED, st.integers(1, 12), st.integers(0, 20))
def test_depth_is_counted_as_it_is(inner: str, depth: int, wraps: int) -> None:
    raw = "[" * wraps + inner + "]" * wraps
    level = most = 0
    quoted = False
    for at, sign in enumerate(raw):
        if sign == '"' and raw[at - 1] != "\\":
            quoted = not quoted
        elif not quoted and sign in "[]":
            level += 1 if sign == "[" else -1
            most = max(most, level)
    if most:
        assert deeper(raw.encode(), depth) is (most > depth)


def test_twins_are_counted_at_the_top_alone_however_they_are_spelt() -> None:
    refuse_twins(b'{"a":{"a":1,"a":2},"b":[{"a":3}]}', ("a", "b"))
    with pytest.raises(EventFault, match="got it 3 times"):
        refuse_twins(b'{"a":1,"\\u0061":2,"b":1,"a":[]}', ("b", "a"))


def test_honest_events_of_the_greatest_size_are_read() -> None:
    """Lists of pairs, of objects, and of numbers: what maps, tables and series are made of."""
    for element in (b"[1,22],", b'{"a":1},', b"1,", b'"a",', b'{"name":"a","list":[1,2,3]},'):
        assert decode(b'{"data":[' + of_size(element) + b"1]}", 64)
    assert decode(b'{"data":[' + b"[]," * 9_000 + b"1]}", 64), "few are never too many"
    assert decode(b'{"data":"' + of_size(b"[{") + b'"}', 64), "nor are those in a text"
    assert decode(b"{" + b",".join(b'"%d":1' % n for n in range(FIELDS_MAX)) + b"}", 64)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"data":[' + of_size(b"[],") + b"1]}", "at most 43,"),
        (b'{"data":[' + b"[]," * 20_000 + b"1]}", "at most 10,0"),
        (b"{" + b",".join(b'"%d":1' % n for n in range(FIELDS_MAX + 1)) + b"}", "at most 2,000"),
        (b'{"\\u0041":1,' + b'"b":1,' * FIELDS_MAX + b'"c":1}', "at most 2,000"),
    ],
)
def test_what_holds_too_much_is_told_how_much_it_may(raw: bytes, words: str) -> None:
    with pytest.raises(EventFault, match=words) as refused:
        decode(raw, 64)
    assert refused.value.code == "too_many_values"

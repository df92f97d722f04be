"""What goes between doors beside a call: written and read alike, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.cells.families import CellId, FamilyId
from tidings.door.head import (
    DOOR_HEADER,
    INDICES_MAX,
    DoorHead,
    NotMine,
    read_head,
    read_indices,
    read_not_mine,
    write_head,
    write_indices,
    write_not_mine,
)

KEY = b"k" * 32
HEAD = DoorHead(CellId(7), 3, "192.0.2.1", "a-b.c:d_1", 30_000, (0, 2, 3, 9))
NUMBERS = st.integers(0, 10**18 - 1)
INDICES = st.sets(st.integers(0, 10**7 - 1), max_size=200).map(lambda found: tuple(sorted(found)))
HEADS = st.builds(
    DoorHead,
    cell=NUMBERS.map(CellId),
    epoch=NUMBERS,
    client=st.ip_addresses().map(str) | st.just(""),
    request_id=st.from_regex(r"\A[A-Za-z0-9._:-]{1,128}\Z"),
    left_ms=st.integers(0, 10**9 - 1),
    indices=INDICES,
)


@given(HEADS, st.none() | st.just(KEY))
def test_a_head_is_read_as_it_was_written(head: DoorHead, key: bytes | None) -> None:
    assert read_head(write_head(head, key), key) == head


@given(HEADS, st.data())
def test_a_sealed_head_is_not_read_where_anything_of_it_differs(
    head: DoorHead, data: st.DataObject
) -> None:
    value = bytearray(write_head(head, KEY))
    place = data.draw(st.integers(0, len(value) - 1))
    value[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != value[place]))
    assert read_head(bytes(value), KEY) is None
    assert read_head(write_head(head, b"other" * 4), KEY) is None
    assert read_head(write_head(head), KEY) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"1",
        b"2 7 3 192.0.2.1 id 30000 1 - -",
        b"1 7 3 192.0.2.1 id 30000 2 - -",  # a second hop
        b"1 7 3 192.0.2.1 id 30000 0 - -",
        b"1 7 3 192.0.2.1 id 30000 1 - - ",
        b"1 7 3 192.0.2.1 id 30000 1  -",
        b"1 -7 3 192.0.2.1 id 30000 1 - -",
        b"1 7 3 host.example id 30000 1 - -",
        b"1 7 3 192.0.2.1 i\xffd 30000 1 - -",
        b"1 7 3 192.0.2.1 id -1 1 - -",
        b"1 7 3 192.0.2.1 id 30000 1 3,2 -",
        b"1 7 3 192.0.2.1 id 30000 1 2-1 -",
        b"1 7 3 192.0.2.1 id 30000 1 1,1 -",
        b"1 7 3 192.0.2.1 id 30000 1 0-9999999 -",
        b"1 7 3 192.0.2.1 id 30000 1 , -",
        b"1 7 3 192.0.2.1 id 30000 1 - -, 1 7 3 192.0.2.1 id 30000 1 - -",
    ],
)
def test_what_is_no_head_is_not_read(value: bytes) -> None:
    assert read_head(value) is None


@given(st.binary(max_size=80))
def test_no_bytes_raise(value: bytes) -> None:
    read_head(value)
    read_head(value, KEY)
    read_not_mine(421, [(DOOR_HEADER, value)])


def test_the_events_of_a_whole_call_are_named_in_few_bytes() -> None:
    whole = tuple(range(INDICES_MAX))
    assert write_indices(whole) == b"0-999"
    every_second = tuple(range(0, 2 * INDICES_MAX, 2))
    assert len(write_head(HEAD._replace(indices=every_second))) < 8192
    assert read_indices(write_indices(every_second)) == every_second
    assert read_indices(b"0-1000") is None


@pytest.mark.parametrize(
    "answer",
    [
        NotMine(FamilyId(5), CellId(7), 3, 12, "10.0.0.2:7000"),
        NotMine(FamilyId(5), None, 0),
        NotMine(FamilyId(5), CellId(1), 2, 4, "[2001:db8::1]:7000"),
    ],
)
def test_what_an_owner_knows_is_read_as_it_was_written(answer: NotMine) -> None:
    headers = [(b"content-length", b"0"), (DOOR_HEADER, write_not_mine(answer))]
    assert read_not_mine(421, headers) == answer
    assert read_not_mine(200, headers) is None
    assert read_not_mine(421, headers[:1]) is None

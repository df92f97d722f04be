"""Each bound of what an action makes and reads: what lies on it is taken, one past it is not."""

import msgspec
import pytest

from tests.core.actions.rendering_calls import NAME, call, make
from tidings.core.actions.action import Act, KafkaRecordAct, NewEvents, Plain
from tidings.core.actions.bounds import MADE_BYTES_MAX
from tidings.core.actions.context import Unmade, text_of
from tidings.core.actions.list_changes import ZONES_SHOWN, ListState, ReadColumns, objection_to
from tidings.core.actions.placeholders import fill, url_shown
from tidings.core.actions.rendering import EVENTS_MAX, HEADER_MAX, KEY_MAX, made_of
from tidings.core.actions.timing import ZONE_MAX, zone_of
from tidings.core.webhooks.body_reader import URL_MAX
from tidings.core.webhooks.masks import SHOWN_FROM


@pytest.mark.parametrize("in_query", [False, True])
def test_a_url_is_filled_up_to_its_length(in_query: bool) -> None:
    template = "https://a.example/?of={id}" if in_query else "https://a.example/{id}"
    room = URL_MAX - len(template) + len("{id}")
    assert len(fill(template, {"id": "a" * room})) == URL_MAX
    with pytest.raises(Unmade, match=str(URL_MAX)):
        fill(template, {"id": "a" * (room + 1)})


def test_a_constant_of_a_query_is_shown_unless_it_is_as_long_as_a_key() -> None:
    short, long = "s" * (SHOWN_FROM - 1), "s" * SHOWN_FROM
    assert short in url_shown(f"https://a.example/?kind={short}")
    assert long not in url_shown(f"https://a.example/?kind={long}")


@pytest.mark.parametrize(("length", "is_known"), [(ZONE_MAX, True), (ZONE_MAX + 1, False)])
def test_a_time_zone_has_its_length(length: int, is_known: bool) -> None:
    assert (zone_of("Asia/Kolkata".ljust(length)) is not None) is is_known


@pytest.mark.parametrize(("digits", "is_kept"), [(1000, True), (1001, False)])
def test_a_number_stays_as_it_came_up_to_its_digits(digits: int, is_kept: bool) -> None:
    assert (text_of(msgspec.Raw(b"1" * digits)) == "1" * digits) is is_kept


@pytest.mark.parametrize(("bits", "is_text"), [(3000, True), (3001, False)])
def test_a_whole_number_is_a_text_up_to_its_bits(bits: int, is_text: bool) -> None:
    number = 1 << (bits - 1)
    assert text_of(number) == (str(number) if is_text else None)


def listed(columns: int = 1, zones: int = 0, lines: int = 10) -> ListState:
    names = tuple(f"c{at}" for at in range(columns))
    return ListState(lines=lines, columns=names, unknown_zones=frozenset(map(str, range(zones))))


def test_a_list_is_objected_to_below_half_of_its_lines() -> None:
    reads = ReadColumns(frozenset(), frozenset())
    assert objection_to(listed(lines=5), listed(lines=10), reads) is None
    assert objection_to(listed(lines=4), listed(lines=10), reads) is not None


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_zones_and_columns_are_named(more: int) -> None:
    reads = ReadColumns(frozenset(), frozenset())
    objection = objection_to(listed(zones=ZONES_SHOWN + more), None, reads) or ""
    assert objection and (" and others" in objection) is bool(more)
    read = ReadColumns(frozenset(f"x{at}" for at in range(ZONES_SHOWN + more)), frozenset())
    lacks = objection_to(listed(), None, read) or ""
    assert lacks and (" more" in lacks) is bool(more)


@pytest.mark.parametrize(
    ("part", "most"),
    [
        (call(headers=(("X-Name", NAME),)), HEADER_MAX),
        (KafkaRecordAct("main", "t", text=Plain("a"), key=NAME), KEY_MAX),
        (call(text=NAME), MADE_BYTES_MAX),
    ],
)
def test_what_is_made_is_as_long_as_its_bound(part: Act, most: int) -> None:
    make(part, lambda _: "a" * most)
    with pytest.raises(Unmade):
        make(part, lambda _: "a" * (most + 1))


def test_the_bytes_of_what_is_made_are_counted_as_well_as_its_characters() -> None:
    make(call(text=NAME), lambda _: "ë" * (MADE_BYTES_MAX // 2))
    with pytest.raises(Unmade):
        make(call(text=NAME), lambda _: "ë" * (MADE_BYTES_MAX // 2) + "a")


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_events_are_made_at_once(more: int) -> None:
    act = NewEvents("ours", Plain({}), each="event.data.items")
    seen = {"event": {"data": {"items": [1] * (EVENTS_MAX + more)}}}
    if more:
        with pytest.raises(Unmade, match=str(EVENTS_MAX)):
            made_of(act, [], seen)
    else:
        made_of(act, [], seen)

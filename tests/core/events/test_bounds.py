"""Each bound of what comes with events: what lies on it is taken, and one past it is not."""

from typing import Any

import pytest

from tidings.catalogue import envelope
from tidings.core.events.attribution import CODE_MAX, StoredAttribution, of_headers
from tidings.core.events.call_split import CallLimits, split
from tidings.core.events.envelope import (
    DAY_MS,
    NAME_MAX,
    SECONDS_FROM,
    SECONDS_TO,
    SURELY_MS,
    time_warning,
)
from tidings.core.events.own_schema import NODES_OF_LOOP, SCHEMA_BYTES_MAX, SchemaSize
from tidings.core.events.own_types import ParsedTypeBody, read_own_type
from tidings.core.events.passage import (
    SAME_DOOR_MAX,
    TEXT_MAX,
    UNREAD,
    Doors,
    Passage,
    read_passage,
    write_passage,
)
from tidings.core.events.schema_cost import CHECK_NS, SCANNED_BYTES, Cost
from tidings.core.ids import OrgId
from tidings.errors import Invalid, TooLarge
from tidings.values import IN_EVENTS, describe_value

DOOR = Doors(b"a").of_org(OrgId(1))


@pytest.mark.parametrize(("length", "is_taken"), [(CODE_MAX, True), (CODE_MAX + 1, False)])
def test_the_code_of_a_till_has_its_length(length: int, is_taken: bool) -> None:
    assert isinstance(of_headers(None, "c" * length), StoredAttribution) is is_taken


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a" * 40, f'text "{"a" * 40}"'),
        ("a" * 41, f'text "{"a" * 40}…"'),
        ("a" * NAME_MAX, f'text "{"a" * 40}…"'),
        ("a" * (NAME_MAX + 1), f"text of {NAME_MAX + 1} characters"),
        (10**39, f"number {10**39}"),
        (10**40, f"number {10**39}…"),
    ],
)
def test_what_came_is_told_up_to_its_length(value: object, words: str) -> None:
    assert describe_value(value, IN_EVENTS) == words


def declared_schema(size: int) -> dict[str, Any]:
    schema = {"type": "object", "title": ""}
    written = len('{"type":"object","title":""}')
    return schema | {"title": "t" * (size - written)}


@pytest.mark.parametrize(("more", "is_taken"), [(0, True), (1, False)])
def test_a_schema_has_its_bytes(more: int, is_taken: bool) -> None:
    body = {"description": "d", "schema": declared_schema(SCHEMA_BYTES_MAX + more)}
    made = read_own_type("orderPacked", body, envelope(), check_example=False)
    codes = [] if isinstance(made, ParsedTypeBody) else [refusal.code for refusal in made]
    assert ("schema_too_large" not in codes) is is_taken


@pytest.mark.parametrize(("nodes", "is_dear"), [(NODES_OF_LOOP, False), (NODES_OF_LOOP + 1, True)])
def test_a_schema_of_many_nodes_is_dear(nodes: int, is_dear: bool) -> None:
    assert SchemaSize(0, nodes, 0).is_dear is is_dear


@pytest.mark.parametrize(
    ("cost", "size", "fits"),
    [
        (Cost(0.0, 0.0, CHECK_NS / 100), 100, True),
        (Cost(0.0, 0.0, CHECK_NS / 100), 101, True),  # it has no wild number
        (Cost(0.0, CHECK_NS / 100, CHECK_NS), 100, True),
        (Cost(0.0, CHECK_NS / 100, CHECK_NS), 101, False),
        (Cost(0.0, 0.0, CHECK_NS), SCANNED_BYTES, True),
        (Cost(0.0, 0.0, CHECK_NS), SCANNED_BYTES + 1, False),
    ],
)
def test_an_event_is_checked_on_the_loop_up_to_its_share(cost: Cost, size: int, fits: bool) -> None:
    assert cost.fits_loop(b" " * size) is fits


@pytest.mark.parametrize(("fixed", "most"), [(CHECK_NS, 0), (CHECK_NS + 1, -1)])
def test_a_schema_may_cost_all_of_the_loops_share(fixed: float, most: int) -> None:
    assert Cost(fixed, 1.0, 1.0).surely == most


def test_the_same_door_stops_an_event_at_its_bound() -> None:
    assert not Passage(1, (DOOR,) * (SAME_DOOR_MAX - 1)).stop
    assert Passage(1, (DOOR,) * SAME_DOOR_MAX).stop


@pytest.mark.parametrize(("doors", "is_read"), [(32, True), (33, False)])
def test_a_passage_is_read_up_to_so_many_doors(doors: int, is_read: bool) -> None:
    short = "0" * len(DOOR)
    said = write_passage(1, ".".join([short] * doors))
    assert (read_passage(said) != UNREAD) is is_read


@pytest.mark.parametrize(("length", "is_read"), [(TEXT_MAX, True), (TEXT_MAX + 1, False)])
def test_a_passage_is_read_up_to_its_length(length: int, is_read: bool) -> None:
    assert (read_passage("1".ljust(length)) != UNREAD) is is_read


def test_the_first_hops_of_an_org_are_forgotten_when_too_many_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidings.core.events.passage._ORGS_KNOWN", 2)
    doors = Doors(b"a")
    first = doors.first_hop(OrgId(1))
    assert doors.first_hop(OrgId(2)) != first
    assert set(doors._first_hops) == {1, 2}
    assert doors.first_hop(OrgId(1)) is first
    doors.first_hop(OrgId(3))
    assert set(doors._first_hops) == {3}
    assert doors.first_hop(OrgId(1)) == first


NOW_MS = 1_770_801_300_000


@pytest.mark.parametrize(
    ("created", "word"),
    [
        (SURELY_MS, ""),
        (SURELY_MS - 1, ""),  # it looks like nothing
        (SECONDS_FROM - 1, ""),
        (SECONDS_FROM, "like seconds"),
        (SECONDS_TO - 1, "like seconds"),
        (SECONDS_TO, ""),
        (NOW_MS + DAY_MS, ""),
        (NOW_MS + DAY_MS + 1, "in the future"),
        (0, ""),
        (-1, "negative"),
        (SURELY_MS * 1000, "microseconds"),
        (SURELY_MS * 1000 - 1, "in the future"),
    ],
)
def test_a_time_is_told_by_its_unit_from_the_bound_on(created: int, word: str) -> None:
    warning = time_warning(created, NOW_MS)
    assert word in (warning or "") and bool(word) is (warning is not None)


def test_a_call_of_too_many_events_is_refused_before_what_is_behind_them_is_read() -> None:
    limits = CallLimits(events=2)
    with pytest.raises(TooLarge):
        split(b"[1" + b",1" * 101 + b",}", limits)
    with pytest.raises(Invalid):
        split(b"[1,}", limits)
    assert split(b'[{"a":1},{}]', limits) == [b'{"a":1}', b"{}"]
    with pytest.raises(TooLarge):
        split(b"[{},{},{}]", limits)

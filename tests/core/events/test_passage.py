"""How often an event has been through, as messages say it: written, read, judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.events.passage import (
    HOPS_MAX,
    NEW,
    TEXT_MAX,
    Doors,
    Passage,
    find_passage,
    first_of,
    next_hop,
    read_passage,
)
from tidings.core.ids import OrgId

DOORS = Doors(b"an installation's key")


@given(
    hops=st.integers(0, 99),
    via=st.lists(st.from_regex(r"\A[0-9a-f]{12}\Z"), max_size=9),
    of=st.from_regex(r"\A([0-9a-f]{12})?\Z"),
)
def test_what_is_written_is_read_again(hops: int, via: list[str], of: str) -> None:
    passage = Passage(hops, tuple(via), of)
    assert read_passage(passage.text()) == passage
    assert read_passage(next_hop(passage.text())) == Passage(hops + 1, tuple(via), of)


@given(said=st.text(max_size=60))
def test_whatever_is_said_is_read(said: str) -> None:
    passage = read_passage(said, "a message").entered("a")
    assert passage.stop or passage.hops < HOPS_MAX
    assert read_passage(next_hop(passage.text())).hops == passage.hops + 1


@pytest.mark.parametrize(
    "said",
    [
        "",
        " ",
        "-1",
        "+1",
        "1.0",
        "1e1",
        "0x1",
        "one",
        "١",
        "²",
        "1 2",
        "99999999999999999999",
        "1; via=a b",
        "1; via=a..b",
        "1; via=" + ".".join("abcdef012345" for _ in range(33)),
        "1; of=é",
        "1" + " " * TEXT_MAX,
        "2, nonsense",
        True,
        1.5,
        None,
        ["1"],
    ],
)
def test_what_cannot_be_read_counts_as_the_bound(said: object) -> None:
    passage = read_passage(said)
    assert passage.unread and passage.hops == HOPS_MAX
    assert passage.stop.startswith("Not delivered: tidings-hops must be")
    assert read_passage(next_hop(passage.entered("a").text())).stop  # a replay of it ends too


def test_parameters_of_others_are_passed_over_and_what_a_proxy_has_joined_is_read() -> None:
    assert read_passage("2; colour=blue; via=a; x") == Passage(2, ("a",))
    assert read_passage("2;via=a") == Passage(2, ("a",))
    assert read_passage("1; via=a, 3; via=a.b.c , 2") == Passage(3, ("a", "b", "c"))
    assert read_passage(3) == Passage(3)  # a CloudEvent's extension may be a number
    twice = [("Tidings-Hops", "1; via=a"), ("x", "y"), ("tidings-hops", "4; via=b")]
    assert read_passage(find_passage(twice)) == Passage(4, ("b",))
    assert find_passage([("x", "tidings-hops")]) is None


def test_the_bounds_are_eight_hops_and_the_third_time_by_the_same_door() -> None:
    assert not NEW.stop
    assert not Passage(7, ("a", "b", "c", "d", "e", "f", "g", "h")).stop
    assert Passage(8, ("a",)).stop and Passage(99).stop
    passage = NEW
    for door in "abab":
        passage = passage.entered(door)
        assert not passage.stop
    assert passage.entered("a").stop and not passage.entered("c").stop


def test_a_family_is_that_of_its_first_message() -> None:
    first = read_passage("1; via=a", "msg-1")
    assert first.of and read_passage("1; via=a", "msg-1") == first
    assert read_passage("1; via=a", "msg-2").of != first.of
    assert read_passage(next_hop(first.text()), "msg-3").of == first.of
    assert not read_passage("1").of and not read_passage("0", "msg-1").of


def test_doors_tell_nobody_whose_they_are() -> None:
    ids = [DOORS.of_org(OrgId(7)), DOORS.of_source(7), DOORS.of_action(7)]
    assert len({*ids, Doors(b"another").of_source(7)}) == 4
    assert all(len(id) == 12 and int(id, 16) >= 0 for id in ids)
    assert DOORS.first_hop(OrgId(7)) == f"1; via={ids[0]}" == next_hop(f"0; via={ids[0]}")


def test_what_is_kept_of_many_headers_says_it() -> None:
    headers = [(f"x-{n}", "y") for n in range(500)] + [("Tidings-Hops", "3")]
    assert first_of(headers)[0] == ("Tidings-Hops", "3")

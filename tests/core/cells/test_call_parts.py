"""Calls with events of many orgs: the same ids however they are parted, and one answer."""

from hypothesis import given
from hypothesis import strategies as st

from tidings.core.cells.call_parts import (
    CallPart,
    PartAnswer,
    WholeAnswer,
    join_answers,
    keeper_of,
    part_again,
    part_call,
)
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.ids import OrgId, derived_event_id

A, B = CellId(1), CellId(2)
FAMILIES = [FamilyId(number) for number in (5, 6, 5, 7)]
MAP = {FamilyId(5): B, FamilyId(6): A, FamilyId(7): B}
DEFAULT_RETRY_S = 5


def test_a_call_is_parted_by_cells_and_keeps_the_index_of_each_event() -> None:
    assert part_call(FAMILIES, MAP.get) == [CallPart(B, (0, 2, 3)), CallPart(A, (1,))]
    assert part_call(FAMILIES, lambda _: A) == [CallPart(A, (0, 1, 2, 3))]
    unknown = part_call([FamilyId(5), FamilyId(9)], MAP.get)
    assert unknown == [CallPart(B, (0,)), CallPart(None, (1,))]
    assert keeper_of(FAMILIES) == FamilyId(5)


def test_what_an_owner_has_refused_of_a_part_is_parted_anew() -> None:
    (part, _) = part_call(FAMILIES, MAP.get)
    moved = {**MAP, FamilyId(5): A}
    assert part_again(part, FAMILIES, {FamilyId(5)}, moved.get) == [CallPart(A, (0, 2))]
    assert part_again(part, FAMILIES, set(), moved.get) == []


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=12),
    st.lists(st.dictionaries(st.integers(1, 6), st.integers(1, 4)), min_size=2, max_size=3),
)
def test_ids_are_the_same_whatever_the_map(orgs: list[int], maps: list[dict[int, int]]) -> None:
    families = [FamilyId(org) for org in orgs]
    found = []
    for cells in maps:
        ids = {}
        for part in part_call(families, lambda family: CellId(cells.get(family, 9))):  # noqa: B023
            for index in part.indices:
                ids[index] = derived_event_id(OrgId(orgs[index]), "key", index)
        assert sorted(ids) == list(range(len(orgs)))
        found.append(ids)
    assert all(ids == found[0] for ids in found)


def test_each_event_has_its_row_in_the_order_of_the_call() -> None:
    parts = [PartAnswer(202, {0: "a", 2: "c"}), PartAnswer(422, {1: "b"})]
    assert join_answers(3, parts) == WholeAnswer(202, ["a", "b", "c"])
    refused = [PartAnswer(422, {0: "a"}), PartAnswer(422, {1: "b"})]
    assert join_answers(2, refused) == WholeAnswer(422, ["a", "b"])


def test_where_any_part_is_not_committed_the_whole_call_is_repeated() -> None:
    accepted = PartAnswer(202, {0: "a"})
    for failed in (None, PartAnswer(503, retry_s=1), PartAnswer(500)):
        assert join_answers(2, [accepted, failed]) == WholeAnswer(503, retry_s=DEFAULT_RETRY_S)
    assert join_answers(2, [accepted, PartAnswer(503, retry_s=30)]).retry_s == 30
    revoked = PartAnswer(401, body=b"revoked")
    assert join_answers(3, [accepted, revoked, None]).status == 503


def test_a_part_that_is_refused_as_a_whole_says_so_for_all() -> None:
    accepted, revoked = PartAnswer(202, {0: "a"}), PartAnswer(401, body=b"revoked")
    throttled = PartAnswer(429, retry_s=7, body=b"slower")
    assert join_answers(2, [accepted, revoked]) == WholeAnswer(401, body=b"revoked")
    assert join_answers(3, [accepted, throttled, revoked]) == WholeAnswer(429, (), 7, b"slower")


def test_an_event_that_nobody_has_looked_at_is_never_called_accepted() -> None:
    assert join_answers(2, [PartAnswer(202, {0: "a"})]).status == 503

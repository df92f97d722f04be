"""What opens something is one family's, but for e-mail addresses."""

import pytest

from tidings.core.cells.directory import Opener, OpenerKind
from tidings.core.cells.families import FamilyId
from tidings.store.cell_map.hosted_map import HostedCellMap

ONE, TWO = FamilyId(1), FamilyId(2)
A, B, C = b"\0a", b"b\xff", b"c"


@pytest.mark.parametrize("kind", OpenerKind)
async def test_what_opens_something_is_found_by_its_digest(
    cell_map: HostedCellMap, kind: OpenerKind
) -> None:
    assert await cell_map.find_openers(A) == []
    for _ in range(2):
        assert await cell_map.add_openers([(A, Opener(kind, ONE)), (B, Opener(kind, ONE))], 1)
    assert await cell_map.find_openers(A) == [Opener(kind, ONE)]
    is_shared = kind is OpenerKind.EMAIL
    both = [(C, Opener(kind, TWO)), (A, Opener(kind, TWO))]
    assert await cell_map.add_openers(both, 2) is is_shared
    assert await cell_map.find_openers(C) == ([Opener(kind, TWO)] if is_shared else [])
    await cell_map.remove_openers([(A, Opener(kind, ONE)), (C, Opener(kind, ONE))])
    assert await cell_map.find_openers(A) == ([Opener(kind, TWO)] if is_shared else [])
    await cell_map.remove_openers([(A, Opener(kind, ONE))])


async def test_one_call_cannot_give_two_families_the_same(cell_map: HostedCellMap) -> None:
    opener, other = Opener(OpenerKind.KEY, ONE), Opener(OpenerKind.KEY, TWO)
    assert not await cell_map.add_openers([(A, opener), (A, other)], 1)
    assert await cell_map.add_openers([(A, opener), (A, opener)], 1)
    assert await cell_map.find_openers(A) == [opener]


async def test_those_of_a_family_are_listed_by_pages(cell_map: HostedCellMap) -> None:
    key = Opener(OpenerKind.KEY, ONE)
    digests = [bytes((number,)) for number in range(5)]
    for made_ms, digest in enumerate(digests):
        assert await cell_map.add_openers([(digest, key)], made_ms)
    assert await cell_map.add_openers([(b"\2b", Opener(OpenerKind.KEY, TWO))], 1)
    first = await cell_map.list_openers(ONE, b"", 4, 3)
    assert first == [(digest, key) for digest in digests[:3]]
    assert await cell_map.list_openers(ONE, digests[2], 4, 3) == [(digests[3], key)]


async def test_what_becomes_another_familys_is_found_at_every_moment(
    cell_map: HostedCellMap,
) -> None:
    key, mail = Opener(OpenerKind.KEY, ONE), Opener(OpenerKind.EMAIL, ONE)
    assert await cell_map.add_openers([(A, key), (B, mail)], 1)
    former = [(A, key)]
    new = [(A, Opener(OpenerKind.KEY, TWO)), (B, Opener(OpenerKind.EMAIL, TWO))]
    for _ in range(2):
        assert await cell_map.rehome_openers(former, new, 2)
        assert await cell_map.find_openers(A) == [Opener(OpenerKind.KEY, TWO)]
        assert {*await cell_map.find_openers(B)} == {mail, Opener(OpenerKind.EMAIL, TWO)}
    assert await cell_map.rehome_openers(new, [(A, key), (B, mail)], 3)
    assert await cell_map.find_openers(A) == [key] and await cell_map.find_openers(B) == [mail]


async def test_what_is_a_third_familys_stays_and_nothing_is_changed(
    cell_map: HostedCellMap,
) -> None:
    key, third = Opener(OpenerKind.KEY, ONE), Opener(OpenerKind.KEY, FamilyId(3))
    assert await cell_map.add_openers([(A, key), (C, third)], 1)
    wanted = Opener(OpenerKind.KEY, TWO)
    former = [(A, key), (C, key)]
    assert not await cell_map.rehome_openers(former, [(A, wanted), (C, wanted)], 2)
    assert await cell_map.find_openers(A) == [key] and await cell_map.find_openers(C) == [third]

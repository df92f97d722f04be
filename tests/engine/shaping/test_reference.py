"""Reference data at work: sealed at rest, remembered exactly, asked for once for all who wait."""

import asyncio

import pytest

from tests.engine.reference_parts import CountingStore, keep, known, reference_over
from tidings.core.ids import OrgId
from tidings.core.shaping.reference_rules import RecordKind
from tidings.core.shares.byte_cache import MISSING
from tidings.store.port import ReferenceRow, StoreDown

ORG = OrgId(1)

CUSTOMERS = "customers"


async def test_what_is_stored_cannot_be_read_nor_moved() -> None:
    store = CountingStore()
    reference = reference_over(store)
    await keep(reference, RecordKind.CUSTOMERS, "7", mobile="15550100", email="asha@example.test")
    [row] = await store.reference(ORG, RecordKind.CUSTOMERS, ["7"])
    assert b"15550100" not in row.value and b"asha" not in row.value
    await store.put_reference(ORG, RecordKind.CUSTOMERS, [ReferenceRow("8", row.value)])
    await store.put_reference(OrgId(2), RecordKind.CUSTOMERS, [ReferenceRow("7", row.value)])
    assert (await reference.lookup(ORG, CUSTOMERS, ["7"]))["7"] is not None
    assert await reference.lookup(ORG, CUSTOMERS, ["8"]) == {"8": None}
    assert await reference.lookup(OrgId(2), CUSTOMERS, ["7"]) == {"7": None}


async def test_all_who_ask_at_once_share_one_query_and_absence_is_remembered() -> None:
    store = CountingStore()
    reference = reference_over(store)
    await keep(reference, RecordKind.CUSTOMERS, "1", mobile="a")
    asked = [reference.lookup(ORG, CUSTOMERS, [str(n % 3), "1"]) for n in range(30)]
    found = await asyncio.gather(*asked)
    assert [len(ids) for ids in store.questions] == [3]
    assert found[2] == {"2": None, "1": known(mobile="a")}
    assert await reference.lookup(ORG, CUSTOMERS, ["0", "1", "2"]) == {
        "0": None,
        "1": known(mobile="a"),
        "2": None,
    }
    assert len(store.questions) == 1
    assert reference.peek(ORG, CUSTOMERS, "2") is None
    assert reference.peek(ORG, CUSTOMERS, "3") is MISSING


async def test_a_question_of_many_ids_goes_in_bounded_queries() -> None:
    store = CountingStore()
    found = await reference_over(store).lookup(ORG, CUSTOMERS, [str(n) for n in range(1201)])
    assert len(found) == 1201
    assert [len(ids) for ids in store.questions] == [500, 500, 201]


async def test_a_write_is_seen_by_every_later_look_up() -> None:
    store = CountingStore()
    reference = reference_over(store)
    assert await reference.lookup(ORG, CUSTOMERS, ["7"]) == {"7": None}
    await keep(reference, RecordKind.CUSTOMERS, "7", mobile="new")
    assert await reference.lookup(ORG, CUSTOMERS, ["7"]) == {"7": known(mobile="new")}
    assert await reference.delete(ORG, RecordKind.CUSTOMERS, "7")
    assert not await reference.delete(ORG, RecordKind.CUSTOMERS, "7")
    assert await reference.lookup(ORG, CUSTOMERS, ["7"]) == {"7": None}
    assert await reference.lookup(OrgId(2), CUSTOMERS, ["7"]) == {"7": None}


async def test_a_read_that_a_write_overtook_leaves_nothing_behind() -> None:
    """The old value was read, the new one is written, then the old read comes back."""
    store = CountingStore()
    reference = reference_over(store)
    await keep(reference, RecordKind.CUSTOMERS, "7", mobile="old")
    await keep(reference, RecordKind.CUSTOMERS, "8", mobile="other")
    store.gate = asyncio.Event()
    slow = asyncio.ensure_future(reference.lookup(ORG, CUSTOMERS, ["7", "8"]))
    while not store.questions:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    await keep(reference, RecordKind.CUSTOMERS, "7", mobile="new")
    later = asyncio.ensure_future(reference.lookup(ORG, CUSTOMERS, ["7"]))
    await asyncio.sleep(0.01)
    store.gate.set()
    assert (await slow)["7"] == known(mobile="old"), "it was asked before the write"
    assert await later == {"7": known(mobile="new")}
    assert reference.peek(ORG, CUSTOMERS, "7") == known(mobile="new")
    assert reference.peek(ORG, CUSTOMERS, "8") == known(mobile="other"), "others stay known"
    await reference.close()


async def test_a_caller_that_goes_takes_nothing_from_the_others() -> None:
    store = CountingStore()
    reference = reference_over(store)
    await keep(reference, RecordKind.CUSTOMERS, "7", mobile="a")
    store.gate = asyncio.Event()
    first = asyncio.ensure_future(reference.lookup(ORG, CUSTOMERS, ["7"]))
    second = asyncio.ensure_future(reference.lookup(ORG, CUSTOMERS, ["7"]))
    await asyncio.sleep(0.01)
    first.cancel()
    store.gate.set()
    assert await second == {"7": known(mobile="a")}
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_write_whose_caller_goes_is_remembered_all_the_same() -> None:
    store = CountingStore()
    reference = reference_over(store)
    assert await reference.lookup(ORG, CUSTOMERS, ["7"]) == {"7": None}
    write = asyncio.ensure_future(keep(reference, RecordKind.CUSTOMERS, "7", mobile="a"))
    await asyncio.sleep(0)
    write.cancel()
    await reference.close()
    assert await reference.lookup(ORG, CUSTOMERS, ["7"]) == {"7": known(mobile="a")}


async def test_a_store_that_is_down_is_told_to_all_and_not_remembered() -> None:
    store = CountingStore()
    reference = reference_over(store)
    store.down = True
    asked = [reference.lookup(ORG, CUSTOMERS, ["7"]) for _ in range(3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(element) for element in found] == [StoreDown] * 3
    with pytest.raises(StoreDown):
        await keep(reference, RecordKind.CUSTOMERS, "7", mobile="a")
    store.down = False
    assert await reference.lookup(ORG, CUSTOMERS, ["7"]) == {"7": None}


async def test_the_cache_keeps_its_bound() -> None:
    reference = reference_over(CountingStore(), cache_bytes=20_000)
    records = {str(n): b'{"mobile":"%d"}' % n for n in range(500)}
    await reference.put(ORG, RecordKind.CUSTOMERS, records)
    await reference.lookup(ORG, CUSTOMERS, list(records))
    assert 10_000 < reference.cached_bytes <= 20_000

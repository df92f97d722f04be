"""Bulk loads: in slices that the store's writer takes in 5 ms, told row by row."""

import asyncio
from typing import Any

import pytest

from tests.engine.reference_parts import CountingStore, known, reference_over
from tidings.core.ids import OrgId
from tidings.core.shaping.reference_rows import reader
from tidings.core.shaping.reference_rules import RecordKind
from tidings.engine.shaping import reference as subject
from tidings.engine.shaping.reference_load import (
    ERRORS_SHOWN,
    SLICE_BYTES_MAX,
    SLICE_ROWS_MAX,
    SLICE_ROWS_MIN,
    Loader,
    as_json,
    next_slice,
)
from tidings.store import port


class SlicedStore(CountingStore):
    """Remembers the slices, and can break down after some."""

    def __init__(self, slices_max: int = 1 << 30) -> None:
        super().__init__()
        self.slices: list[list[str]] = []
        self.slices_max = slices_max
        self.took_us = 100
        self.row_us = 0

    async def put_reference(self, org: OrgId, kind: int, rows: Any) -> port.ReferenceWrite:
        if len(self.slices) >= self.slices_max:
            raise port.StoreDown("full")
        self.slices.append([row.id for row in rows])
        assert sum(len(row.value) for row in rows) < 2 * SLICE_BYTES_MAX
        done = await super().put_reference(org, kind, rows)
        return port.ReferenceWrite(done.changed, self.took_us + self.row_us * len(rows))


def loader(store: SlicedStore, org: int = 1) -> Loader:
    found = reader(RecordKind.CUSTOMERS, "application/x-ndjson")
    assert found is not None
    return Loader(reference_over(store), OrgId(org), *found)


def lines(start: int, end: int) -> bytes:
    return b"".join(b'{"id":%d,"mobile":"%d"}\n' % (n, n) for n in range(start, end))


async def test_all_rows_are_stored_and_counted() -> None:
    store = SlicedStore()
    for again in (False, True):
        load = loader(store)
        for at in range(0, 5000, 1000):
            await load.feed(lines(at, at + 1000))
        done = await load.end()
        assert (done.loaded, done.new, done.refused) == (5000, 0 if again else 5000, 0)
    assert await store.count_reference(OrgId(1), RecordKind.CUSTOMERS) == 5000
    assert max(map(len, store.slices)) <= SLICE_ROWS_MAX


async def test_a_row_that_does_not_fit_is_left_out_alone_and_the_first_hundred_are_shown() -> None:
    load = loader(SlicedStore())
    await load.feed(b'{"id":1,"mobile":2}\n' * 250 + lines(0, 3) + b'{"id":9,"x":1,"email":"e"}')
    told = as_json(await load.end())
    assert (told["loaded"], told["refused"]) == (4, 250)
    assert len(told["errors"]) == ERRORS_SHOWN
    assert told["errors"][99]["line"] == 100 and told["errors"][0]["field"] == "mobile"
    assert told["ignoredFields"] == ["x"]


async def test_the_last_row_of_an_id_counts_also_within_one_slice() -> None:
    store = SlicedStore()
    load = loader(store)
    await load.feed(b'{"id":1,"mobile":"old"}\n{"id":1,"mobile":"new"}\n')
    done = await load.end()
    assert (done.loaded, done.new) == (2, 1)
    found = await reference_over(store).lookup(OrgId(1), "customers", ["1"])
    assert found == {"1": known(mobile="new")}


async def test_what_was_stored_before_a_breakdown_stays_and_is_counted() -> None:
    store = SlicedStore(slices_max=2)
    load = loader(store)
    with pytest.raises(port.StoreDown):
        await load.feed(lines(0, 5000))
    stored = sum(map(len, store.slices))
    assert load.done.loaded == stored == await store.count_reference(OrgId(1), RecordKind.CUSTOMERS)


async def test_loads_take_turns_and_leave_the_writer_as_much_time_as_they_take() -> None:
    store = SlicedStore()
    store.took_us = 20_000
    reference = reference_over(store)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(
        *(
            reference.put_slice(OrgId(org), RecordKind.STORES, {"1": b'{"name":"n"}'})
            for org in range(5)
        )
    )
    assert asyncio.get_running_loop().time() - began >= 5 * 0.02


async def test_a_load_beside_an_idle_service_does_not_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject, "ALONE_AFTER_S", 0.2)
    store = SlicedStore()
    store.took_us = 300_000
    events = 0
    reference = reference_over(store, others=lambda: events)
    loop = asyncio.get_running_loop()

    async def slices(count: int) -> float:
        began = loop.time()
        for _ in range(count):
            await reference.put_slice(OrgId(1), RecordKind.STORES, {"1": b'{"name":"n"}'})
        return loop.time() - began

    assert await slices(20) < 0.3, "nobody else writes"
    events += 1
    assert await slices(1) >= 0.3, "somebody does: as long a pause as the slice took"
    assert await slices(20) < 0.3, "and no more when that is a while ago"


def test_slices_shrink_when_the_writer_is_slow_and_grow_when_it_is_not() -> None:
    assert next_slice(512, 512, 9000) == 256
    assert next_slice(512, 512, 4000) == 512
    assert next_slice(512, 512, 1000) == 640
    assert next_slice(20, 512, 1000) == 512, "a small slice says nothing of a large one"
    size = 512
    for _ in range(50):
        size = next_slice(size, size, 10)
    assert size == SLICE_ROWS_MAX
    for _ in range(50):
        size = next_slice(size, size, 90_000)
    assert size == SLICE_ROWS_MIN


@pytest.mark.parametrize(
    ("sync_us", "row_us", "rows"), [(20_000, 2, SLICE_ROWS_MAX), (20_000, 20, 256), (100, 200, 128)]
)
async def test_a_slow_sync_makes_no_slice_smaller_and_slow_rows_do(
    sync_us: int, row_us: int, rows: int
) -> None:
    """On a disk whose sync takes 20 ms, slices of 5 ms would hold next to nothing."""
    store = SlicedStore()
    store.took_us, store.row_us = sync_us, row_us
    load = loader(store)
    load._reference._others = lambda: 0  # nobody else writes
    await load.feed(lines(0, 40_000))
    await load.end()
    usual = sorted(map(len, store.slices))[len(store.slices) // 2]
    assert rows / 2 <= usual <= rows * 2


async def test_beside_events_the_sync_counts_too() -> None:
    store = SlicedStore()
    store.took_us = 6_000
    load = loader(store)
    await load.feed(lines(0, 4_000))
    await load.end()
    assert set(map(len, store.slices[1:-1])) == {SLICE_ROWS_MIN}

"""A committer at work on a store that does as it is told, and lanes that keep what is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.engine.events.all_here import FamilyStore, families_of
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.events.commit_queue import (
    CommitQueue,
    QueuedEvent,
)
from tidings.engine.events.committer import Committer
from tidings.engine.events.intake import Draft
from tidings.store import port

Refusal = Callable[[port.Batch], Exception | None]


class Store:
    """Takes batches, keeps them, and refuses as it is told."""

    def __init__(self) -> None:
        self.batches: list[port.Batch] = []
        self.refuse: Refusal = lambda _: None
        self.owed = 0
        self.known: dict[str, bool] = {}  # by an event's id: whether its bytes were others
        self.free = asyncio.Event()  # cleared, it takes its time
        self.free.set()
        self.asked: list[int] = []  # with which versions of the registry
        self.away: set[int] = set()  # families that are not here
        self.moved_at = -1  # a version of the registry that is outdated

    async def commit(self, batch: port.Batch) -> port.Receipt:
        await asyncio.sleep(0)
        await self.free.wait()
        self.asked.append(batch.registry_version)
        if batch.registry_version == self.moved_at:
            return port.Receipt(moved=True)
        if away := [found.family for found in batch.families if found.family in self.away]:
            return port.Receipt(away=sorted({*away}))
        if away := [found.family for found in batch.families if found.family in self.away]:
            return port.Receipt(away=sorted({*away}))
        if (error := self.refuse(batch)) is not None:
            raise error
        self.batches.append(batch)
        self.owed = max(0, self.owed - batch.fan_out)
        ids = [event.id for event in batch.events]
        numbers = [0 if id in self.known else at for at, id in enumerate(ids, 1)]
        return port.Receipt(
            now_ms=1,
            seqs=[EventNumber(number) for number in numbers],
            firsts=[DeliveryId(number) for number in numbers],
            differing=[at for at, id in enumerate(ids) if self.known.get(id)],
            replayed=[port.ReplayReceipt(slice.replay, True) for slice in batch.replays],
            cancelled=[port.CancelReceipt(True) for _ in batch.cancels],
            owed=self.owed,
        )

    @property
    def ids(self) -> list[list[str]]:
        """Of the events of each batch."""
        return [[event.id for event in batch.events] for batch in self.batches]


class Lanes:
    """`CommitListener`: keeps what it is told."""

    def __init__(self) -> None:
        self.doubted: list[set[int]] = []
        self.left_out: list[list[int]] = []  # webhooks of claims
        self.handed: list[port.Receipt] = []
        self.told: list[tuple[str, list[Any], bool]] = []
        self.answers: list[asyncio.Future[Any]] = []  # of callers, looked at when it is told

    def handover(self, receipt: port.Receipt, events: list[QueuedEvent], matched: Any) -> None:
        self.handed.append(receipt)
        ids = [event.draft.event_id for event in events]
        self.told.append(("handover", [*zip(ids, matched, strict=True)], self._answered))

    def claims_left_out(self, webhooks: Iterable[int]) -> None:
        self.left_out.append(sorted(webhooks))

    def settled(self, settled: Sequence[port.Settlement], receipt: port.Receipt) -> None:
        self.told.append(
            ("settled", [settlement.delivery for settlement in settled], self._answered)
        )

    @property
    def _answered(self) -> bool:
        return any(answer.done() for answer in self.answers)

    def look_again(self, claimed_of: set[int]) -> None:
        self.doubted.append(claimed_of)


class Desk:
    """A committer on such a store, its queue, and what it has told."""

    def __init__(self) -> None:
        self.store, self.lanes = Store(), Lanes()
        self.work: asyncio.Future[None]
        self.doubted = self.lanes.doubted
        self.queue = CommitQueue(1 << 30, 60.0)
        self.registry = Registry()
        self.family_store = FamilyStore()
        self.families = families_of(self.registry, self.family_store)
        self.match: Callable[[QueuedEvent], Sequence[port.NewDelivery]] = lambda _: ()
        self.committer = Committer(
            store=self.store,  # type: ignore[arg-type]  # of the port it asks for commits alone
            registry=self.registry,
            queue=self.queue,
            matcher=self,
            listener=self.lanes,
            families=self.families,
            fan_out_rows=5,
        )


def event(id: str, body: bytes = b"{}", warning: str | None = None) -> QueuedEvent:
    """An event that waits for its commit."""
    return QueuedEvent(Draft(OrgId(1), "a", id, body, {}, warning), b"", b"", None, "a")


def settled(delivery: int, key: int | None = None) -> port.Settlement:
    """A success."""
    return port.Settlement(DeliveryId(delivery), 1, key, 3, 1, 1, 0, 1, 200)


@asynccontextmanager
async def at_work() -> AsyncIterator[Desk]:
    """A desk whose committer is at work."""
    desk = Desk()
    desk.work = asyncio.ensure_future(desk.committer.run())
    yield desk
    desk.work.cancel()


async def turns() -> None:
    """As many turns of the loop as one commit takes, and no time of the clock."""
    for _ in range(20):
        await asyncio.sleep(0)


async def begun(desk: Desk) -> None:
    """The first commit, which learns what is owed, is done, and the store takes its time."""
    await turns()
    await desk.queue.drained()
    desk.store.batches.clear()
    desk.lanes.told.clear()
    desk.store.free.clear()


def refused(id: str) -> port.NewRejection:
    """An event that was not accepted."""
    return port.NewRejection(OrgId(1), "a", id, "code", "message", "data", b"{}")

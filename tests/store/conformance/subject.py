"""A store under test: any adapter, asked from synchronous tests, stopped well or badly."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.store.rows import ORG, webhook
from tidings.core.cells.ranges import CellRanges, range_of
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.store import port

T = TypeVar("T")
INDEXED_WITHIN_S = 120.0


class Adapter(Protocol):
    """How the suite reaches an adapter; an adapter joins by adding one to `adapters.py`."""

    async def open(self, place: Path) -> port.Store:
        """A store on what `place` names, made where there is none."""
        ...

    async def crash(self, store: port.Store) -> None:
        """End the store's owner without a farewell; what was acknowledged stays."""
        ...

    def raise_floors(self, place: Path, event: int, delivery: int) -> None:
        """Have the numbers of a store that is the only one go on above these; nobody has opened
        it."""
        ...


class Subject:
    """Asks the store and waits for the answer. `reopen` and `crash` end in a fresh owner."""

    def __init__(self, adapter: Adapter, place: Path) -> None:
        self._adapter = adapter
        self._place = place
        self._runner = asyncio.Runner()
        self._store: port.Store = self._runner.run(adapter.open(place))

    def ask(self, question: Callable[[port.Store], Awaitable[T]]) -> T:
        """The answer to one question."""

        async def asked() -> T:
            return await question(self._store)

        return self._runner.run(asked())

    def commit(
        self, *events: port.NewEvent, version: int | None = None, **more: Any
    ) -> port.Receipt:
        """One batch, under the registry version in force where none is given."""
        if version is None:
            version = self.load().registry_version if events else 0
        batch = port.Batch(version, events, **more)
        return self.ask(lambda store: store.commit(batch))

    def take(self, webhook: int = 1, limit: int = 10) -> Sequence[Job]:
        """Due retries of a webhook."""
        return self.commit(claims=[port.RetryClaim(webhook, limit)]).claimed

    def page(self, webhook: int = 1, after: int = 0, limit: int = 100) -> Sequence[Job]:
        """See `port.Store.page`."""
        return self.ask(lambda store: store.page(webhook, after, limit))

    def pending(self, webhook: int = 1) -> list[int]:
        """Ids of all PENDING deliveries of a webhook."""
        return [job.delivery for job in self.page(webhook)]

    def states(self, *deliveries: int) -> list[State]:
        """Where deliveries stand."""
        return [State(self.delivery(delivery).state) for delivery in deliveries]

    def load(self) -> port.Snapshot:
        """See `port.Store.load`."""
        return self.ask(lambda store: store.load())

    def recover(
        self, window: int = 100, left: Sequence[tuple[int, int]] | None = None
    ) -> Sequence[port.Backlog]:
        """See `port.Store.recover`."""
        found = (
            None if left is None else [(DeliveryId(number), attempt) for number, attempt in left]
        )
        return self.ask(lambda store: store.recover(window, found))

    def retire(self, state: int, webhook: int = 1, limit: int = 100) -> int:
        """See `port.Store.retire`."""
        return self.ask(lambda store: store.retire(webhook, state, limit))

    def event(self, id: str, org: int) -> port.StoredEvent | None:
        """See `port.Store.event`."""
        return self.ask(lambda store: store.event(OrgId(org), id))

    def delivery(self, delivery: int) -> port.StoredDelivery:
        """A delivery that is there."""
        found = self.ask(lambda store: store.delivery(DeliveryId(delivery)))
        assert found is not None
        return found

    def attempts(self, delivery: int) -> Sequence[port.StoredAttempt]:
        """See `port.Store.attempts_of`."""
        return self.ask(lambda store: store.attempts_of(DeliveryId(delivery)))

    def rejections(self, limit: int = 10) -> list[port.Rejection]:
        """The newest refused events of the org, newest first."""
        page = self.ask(lambda store: store.log_rejections(ORG, None, None, limit))
        return list(page.rejections)

    def counts(self) -> port.Counts:
        """See `port.Store.counts`."""
        return self.ask(lambda store: store.counts())

    def find(self, term: bytes, limit: int = 100) -> Sequence[int]:
        """What is found once everything is indexed."""

        async def asked() -> Sequence[int]:
            async with asyncio.timeout(INDEXED_WITHIN_S):
                while (await self._store.counts()).index_lag:
                    pass
            return await self._store.find(term, limit)

        return self._runner.run(asked())

    def put_webhook(self, name: str = "till", **more: Any) -> int:
        """Store a webhook; its number."""
        stored, _ = self.ask(lambda store: store.put_webhook(webhook(name, **more)))
        return stored.number

    def reopen(self, *, clean: bool = True) -> None:
        """Close the store, cleanly or not, and open it again."""
        self.ask(lambda store: store.close(clean))
        self._store = self._runner.run(self._adapter.open(self._place))

    def raise_floors(self, event: int, delivery: int) -> None:
        """Close the store and open it again; as the only one it goes on above these numbers."""
        self.ask(lambda store: store.close())
        self._adapter.raise_floors(self._place, event, delivery)
        self._store = self._runner.run(self._adapter.open(self._place))

    def ranges(self) -> CellRanges:
        """See `port.Store.number_ranges`."""
        return self.ask(lambda store: store.number_ranges())

    def grant(self, *indices: int) -> CellRanges:
        """See `port.Store.grant_ranges`."""
        return self.ask(lambda store: store.grant_ranges(indices))

    def end_endless(self) -> int:
        """See `port.Store.end_endless_range`."""
        return self.ask(lambda store: store.end_endless_range())

    def begin_range(self, above: int) -> None:
        """Make the store one of several, grant ranges above a number, and begin the first of them;
        the other one is for its next owner."""
        index = max(self.end_endless(), range_of(above)) + 1
        self.grant(index, index + 1)
        self.ask(lambda store: store.begin_range(above))

    def crash(self) -> None:
        """Kill the owner and open the store as a new one."""
        self._runner.run(self._adapter.crash(self._store))
        self._store = self._runner.run(self._adapter.open(self._place))

    def close(self) -> None:
        """End everything."""
        try:
            self.ask(lambda store: store.close())
        finally:
            self._runner.close()

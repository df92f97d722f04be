"""Stores whose commits can be refused, or whose answers can be lost: in process, or as they run."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from tests.store.conformance.subject import Adapter, Subject
from tests.store.rows import ORG
from tidings.store import port

START_MS = 1_800_000_000_000
ANSWERED_WITHIN_S = 60.0


class MachineClock:
    """A wall clock that can be set, and seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds, self.set_ms = 0.0, 0

    def wall_ms(self) -> int:
        """The time as the machine shows it."""
        return START_MS + round(self.seconds * 1000) + self.set_ms

    def passed_s(self) -> float:
        """The seconds that have passed."""
        return self.seconds


class InProcessAdapter(Adapter, Protocol):
    """How the suite reaches the halves of an adapter in its own process."""

    async def open_dated(self, place: Path, clock: MachineClock) -> port.Store:
        """As `open`, with the dates of a clock."""
        ...

    def refusing(self, store: port.Store) -> AbstractContextManager[object]:
        """Have the database refuse whatever is written in the block."""
        ...

    def losing_answers(self, place: Path, store: port.Store) -> AbstractContextManager[object]:
        """Have each commit of the block be made, and its answer be lost. Behind it the store goes
        on: with the same owner where the adapter has one that goes on, else with the next."""
        ...


class HostedAdapter(Adapter, Protocol):
    """How the suite reaches the processes of an adapter as it runs."""

    async def open_beside(self, place: Path) -> port.Store:
        """As `open`, for one that does not wait for the end of a living owner."""
        ...

    def stop_hearing(self, store: port.Store) -> None:
        """Have nothing arrive any more of what the process that writes answers."""
        ...

    def freeze(self, store: port.Store) -> None:
        """Stop the process that writes where it is; when this returns, it does nothing more."""
        ...

    def thaw(self, store: port.Store) -> None:
        """Have it go on, if it still is."""
        ...

    async def take_over(self, place: Path, former: port.Store) -> port.Store:
        """Open the store for the next owner, though the process of a former one is frozen. An
        adapter that lets nobody in beside it ends it first."""
        ...


class InProcessSubject(Subject):
    """A store in process, on a machine whose clock can be set."""

    def __init__(self, adapter: InProcessAdapter, place: Path) -> None:
        self.clock = MachineClock()
        self._in_process = adapter
        super().__init__(adapter, place)

    def refusing(self) -> AbstractContextManager[object]:
        """See `InProcessAdapter`."""
        return self._in_process.refusing(self._store)

    def losing_answers(self) -> AbstractContextManager[object]:
        """See `InProcessAdapter`."""
        return self._in_process.losing_answers(self._place, self._store)

    def lose(self, question: Callable[[port.Store], Awaitable[object]]) -> None:
        """Ask for a write whose answer is lost."""
        with self.losing_answers(), pytest.raises(port.StoreDown):
            self.ask(question)

    def date(self) -> None:
        """Open the store anew, with the dates of the clock."""
        self.ask(lambda store: store.close())
        self._store = self._runner.run(self._in_process.open_dated(self._place, self.clock))

    def leap(self, by_ms: int) -> None:
        """Set the clock."""
        self.clock.set_ms += by_ms
        self.commit()

    def pass_s(self, seconds: float) -> None:
        """Have time pass."""
        self.clock.seconds += seconds


class HostedSubject(Subject):
    """A store as it runs, whose processes can be stopped and cut off."""

    def __init__(self, adapter: HostedAdapter, place: Path) -> None:
        self._hosted = adapter
        super().__init__(adapter, place)

    def commit_unheard(self, batch: port.Batch, until_seen: str) -> None:
        """Commit a batch of which an event is then read, and kill the owner before it is
        answered. Ends in a fresh owner."""

        async def committed() -> None:
            self._hosted.stop_hearing(self._store)
            asked = asyncio.ensure_future(self._store.commit(batch))
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                while await self._store.event(ORG, until_seen) is None:
                    await asyncio.sleep(0)
            assert not asked.done()
            await self._adapter.crash(self._store)
            with pytest.raises(port.StoreDown):
                await asked

        self._runner.run(committed())
        self._store = self._runner.run(self._adapter.open(self._place))

    def refuse_second(self) -> port.StoreDown | port.StoreRefused:
        """Try to open the store once more beside its owner; why that cannot be."""

        async def opened() -> port.StoreDown | port.StoreRefused:
            try:
                second = await self._hosted.open_beside(self._place)
            except (port.StoreDown, port.StoreRefused) as refusal:
                return refusal
            await second.close()
            raise AssertionError("two own it")

        return self._runner.run(opened())

    def take_over_from_frozen(
        self, batch: port.Batch
    ) -> tuple[port.Store, "asyncio.Future[port.Receipt]"]:
        """Freeze the owner, ask it for a commit, and open the store for the next one; the former
        owner and its commit, which goes on now."""

        async def taken() -> tuple[port.Store, asyncio.Future[port.Receipt]]:
            former = self._store
            self._hosted.freeze(former)
            delayed = asyncio.ensure_future(former.commit(batch))
            await asyncio.sleep(0)
            self._store = await self._hosted.take_over(self._place, former)
            self._hosted.thaw(former)
            return former, delayed

        return self._runner.run(taken())

    def close_former(self, former: port.Store) -> None:
        """Close what is left of a former owner."""
        self._runner.run(_closed(former))

    def answer_of(self, asked: Awaitable[port.Receipt]) -> port.Receipt | port.StoreDown:
        """Wait for the answer to a commit."""

        async def answered() -> port.Receipt | port.StoreDown:
            try:
                async with asyncio.timeout(ANSWERED_WITHIN_S):
                    return await asked
            except port.StoreDown as down:
                return down

        return self._runner.run(answered())


async def _closed(store: port.Store) -> None:
    await store.close(clean=False)

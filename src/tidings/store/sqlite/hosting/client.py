"""The embedded store as the engine sees it: the store port over two child processes.

A method is one question to one of them; the modules beside this one hold those of the port's parts.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from tidings.core.delivery.attempt_share import Past
from tidings.core.delivery.job import Job
from tidings.store import port
from tidings.store.sqlite.database import DirectoryLock, must_be_writable
from tidings.store.sqlite.hosting.child import Child, decoder
from tidings.store.sqlite.hosting.client_access import AccessCalls
from tidings.store.sqlite.hosting.client_log import LogCalls
from tidings.store.sqlite.hosting.client_own_data import OwnDataCalls
from tidings.store.sqlite.hosting.client_replays import ReplayCalls

_RECEIPT = decoder(port.Receipt)
_JOBS = decoder(list[Job])
_STANDINGS = decoder(list[port.Standing])
_SNAPSHOT = decoder(port.Snapshot)
_NUMBER = decoder(int)
_NONE = decoder(None)
_WEBHOOK = decoder(tuple[port.StoredWebhook, int])
_EVENT = decoder(port.StoredEvent | None)
_DELIVERIES = decoder(list[port.StoredDelivery])
_DELIVERY = decoder(port.StoredDelivery | None)
_ATTEMPTS = decoder(list[port.StoredAttempt])
_REJECTIONS = decoder(list[port.Rejection])
_COUNTS = decoder(port.Counts)
_NUMBERS = decoder(list[int])
_DROPPED = decoder(port.Dropped)
_KEPT = decoder(port.Kept)
_HEALTHS = decoder(list[port.Health])
_PAST = decoder(list[Past])
_FLAG = decoder(bool)
_LETTERS = decoder(list[port.Letter])


class SqliteStore(LogCalls, ReplayCalls, AccessCalls, OwnDataCalls):
    """`port.Store` on a data directory that this process owns."""

    def __init__(self, lock: DirectoryLock, writing: Child, reading: Child) -> None:
        super().__init__(writing, reading)
        self._lock = lock
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, died: Callable[[], None]) -> "SqliteStore":
        """Take the directory and start both processes. StoreRefused says why it cannot be.

        StoreDown, or OSError of `DISK_ERRNOS`: the disk takes nothing now, ask again.
        """
        lock = await asyncio.to_thread(DirectoryLock, directory)
        started: list[Child] = []
        try:
            for role in ("write", "read"):
                started.append(await Child.start(role, directory, lock, died))
            lock.lock_database()  # of a first start
        except BaseException as error:
            for child in started:
                await child.close()
            lock.release()
            if isinstance(error, port.StoreDown):
                must_be_writable(directory)
            raise
        return cls(lock, *started)

    def commit(self, batch: port.Batch) -> asyncio.Future[port.Receipt]:
        """See `port.Store`."""
        return self._writing.call(_RECEIPT, "commit", batch)

    def page(self, webhook: int, after: int, limit: int) -> asyncio.Future[Sequence[Job]]:
        """See `port.Store`; in order with the commits, because the same process answers both."""
        return self._writing.call(_JOBS, "page", webhook, after, limit)

    def recover(
        self, window: int, left: Sequence[tuple[int, int]] | None = None
    ) -> asyncio.Future[Sequence[port.Standing]]:
        """See `port.Store`."""
        return self._writing.call(_STANDINGS, "recover", window, left)

    def unfinished(self) -> asyncio.Future[Sequence[port.Standing]]:
        """See `port.Store`."""
        return self._writing.call(_STANDINGS, "unfinished")

    def load(self) -> asyncio.Future[port.Snapshot]:
        """See `port.Store`."""
        return self._writing.call(_SNAPSHOT, "load")

    def put_org(self, org: port.Org) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "put_org", org)

    def put_credential(self, credential: port.Credential) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_credential", credential)

    def put_webhook(
        self, webhook: port.StoredWebhook
    ) -> asyncio.Future[tuple[port.StoredWebhook, int]]:
        """See `port.Store`."""
        return self._writing.call(_WEBHOOK, "put_webhook", webhook)

    def drop_disabling(self, webhook: int, version: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_disabling", webhook, version)

    def retire(self, webhook: int, state: int, limit: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "retire", webhook, state, limit)

    def release(self, webhook: int, held: Sequence[int]) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "release", webhook, held)

    def put_healths(self, healths: Sequence[port.Health]) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_healths", healths)

    def healths(self) -> asyncio.Future[Sequence[port.Health]]:
        """See `port.Store`."""
        return self._writing.call(_HEALTHS, "healths")

    def past_attempts(
        self, from_ms: int, slot_ms: int, limit: int
    ) -> asyncio.Future[Sequence[Past]]:
        """See `port.Store`."""
        return self._writing.call(_PAST, "past_attempts", from_ms, slot_ms, limit)

    def park_expired(
        self, webhook: int, accepted_before_ms: int, limit: int
    ) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "park_expired", webhook, accepted_before_ms, limit)

    def put_letter(self, letter: port.Letter) -> asyncio.Future[bool]:
        """See `port.Store`."""
        return self._writing.call(_FLAG, "put_letter", letter)

    def drop_letters(self, ids: Sequence[str]) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_letters", ids)

    def letters(self) -> asyncio.Future[Sequence[port.Letter]]:
        """See `port.Store`."""
        return self._writing.call(_LETTERS, "letters")

    def event(self, org: int, event_id: str) -> asyncio.Future[port.StoredEvent | None]:
        """See `port.Store`."""
        return self._reading.call(_EVENT, "event", org, event_id)

    def deliveries_of(self, event: int) -> asyncio.Future[Sequence[port.StoredDelivery]]:
        """See `port.Store`."""
        return self._reading.call(_DELIVERIES, "deliveries_of", event)

    def delivery(self, delivery: int) -> asyncio.Future[port.StoredDelivery | None]:
        """See `port.Store`."""
        return self._reading.call(_DELIVERY, "delivery", delivery)

    def attempts_of(self, delivery: int) -> asyncio.Future[Sequence[port.StoredAttempt]]:
        """See `port.Store`."""
        return self._reading.call(_ATTEMPTS, "attempts_of", delivery)

    def rejections(self, org: int, limit: int) -> asyncio.Future[Sequence[port.Rejection]]:
        """See `port.Store`."""
        return self._reading.call(_REJECTIONS, "rejections", org, limit)

    def counts(self) -> asyncio.Future[port.Counts]:
        """See `port.Store`."""
        return self._reading.call(_COUNTS, "counts")

    def find(self, term: bytes, limit: int) -> asyncio.Future[Sequence[int]]:
        """See `port.Store`."""
        return self._reading.call(_NUMBERS, "find", term, limit)

    def drop(self, dropping: port.Dropping) -> asyncio.Future[port.Dropped]:
        """See `port.Store`; a slice stands in line with the commits."""
        return self._writing.call(_DROPPED, "drop", dropping)

    def kept(self) -> asyncio.Future[port.Kept]:
        """See `port.Store`."""
        return self._writing.call(_KEPT, "kept")

    def give_back(self, pages: int) -> asyncio.Future[port.Dropped]:
        """See `port.Store`."""
        return self._writing.call(_DROPPED, "give_back", pages)

    async def close(self, clean: bool = True) -> None:
        """See `port.Store`. `clean` says that nothing is in flight any more."""
        if self._closed:
            return
        self._closed = True
        await self._reading.close()
        try:
            await self._writing.call(_NONE, "close", clean)
        except port.StoreDown:
            pass  # the process died before us, or the disk is full; the next start recovers
        await self._writing.close()
        self._lock.release()

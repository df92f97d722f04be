"""The store in PostgreSQL as the engine sees it, once its process owns it."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import cast

import msgspec

from tidings.core.running.lease import LEASE_S, Lease
from tidings.store import port
from tidings.store.hosting.child import Child
from tidings.store.hosting.client import HostedStore, started
from tidings.store.hosting.daemon_thread import run_in_daemon_thread
from tidings.store.hosting.reader import StoreReader
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.ownership import Ownership, OwnerWatch
from tidings.store.postgres.process import OwnedDatabase
from tidings.store.sql.halves import passed_s

_MODULE = "tidings.store.postgres.process"
RENEW_S = LEASE_S / 3
# Names of the environment begin so that libpq, Kerberos and OpenSSL read.
_LIBPQ = ("PG", "KRB5", "SSL_CERT_")


_Commit = Callable[[HostedStore, port.Batch], "asyncio.Future[port.Receipt]"]
# Its methods are made of the port as the module is loaded; of the name, mypy knows only the port.
_commit = cast(_Commit, HostedStore.commit)


class PostgresStore(HostedStore):
    """`port.Store` on a schema that this process owns, and goes on to own as long as it commits: an
    idle one commits the empty batch."""

    def __init__(self, writing: Child, reading: StoreReader, lease: Lease, owner: int) -> None:
        super().__init__(writing, reading)
        self.owner = owner
        self._lease = lease
        self._loop = asyncio.get_running_loop()
        self._renewed_s = self._loop.time()
        self._renewing = self._loop.create_task(self._renew())

    @classmethod
    async def open(
        cls, database: StoreDatabase, watch: OwnerWatch, lease: Lease, died: Callable[[], None]
    ) -> "PostgresStore":
        """Take the store over and start both processes.

        StoreRefused says why it cannot be. StoreDown: another process owns it, or the database is
        not to be reached; ask again with the same `watch`, which waits for the end of its lease.
        Who is cancelled, or refused, gives back what was taken: others need not wait for a lease.
        """
        taking = asyncio.ensure_future(run_in_daemon_thread(watch.take))
        asked_at_s = passed_s()
        try:
            ours = await asyncio.shield(taking)
            lease.renewed(asked_at_s)
            return await cls._start(database, ours, lease, died)
        except port.StoreDown:
            raise  # it is asked again: what was taken is ours
        except BaseException:
            # What it takes now, nobody else would give back.
            await asyncio.gather(taking, return_exceptions=True)
            with suppress(port.StoreDown, port.StoreRefused):
                await run_in_daemon_thread(watch.give_back)
            raise

    @classmethod
    async def _start(
        cls, database: StoreDatabase, ours: Ownership, lease: Lease, died: Callable[[], None]
    ) -> "PostgresStore":
        """Start both processes over a store that is ours. They have ended where it fails."""

        async def start(role: str, heard: Callable[[], None]) -> Child:
            with _given(database, ours) as descriptor:
                command = (sys.executable, "-m", _MODULE, role, str(descriptor))
                return await Child.start(role, command, heard, (descriptor,))

        async def start_reader(heard: Callable[[], None]) -> Child:
            with _given(database, ours) as descriptor:
                command = (sys.executable, "-m", _MODULE, "read", str(descriptor))
                return await started("read", command, (descriptor,), heard)

        reader = StoreReader(start_reader)
        children: list[Child] = []
        try:
            for role, heard in (("write", died), ("read", reader.died)):
                children.append(await start(role, heard))
            for child in children:
                await child.opened()
        except BaseException:
            for child in children:
                await child.close()
            raise
        writing, reading = children
        reader.take(reading)
        return cls(writing, reader, lease, ours.epoch)

    def commit(self, batch: port.Batch) -> asyncio.Future[port.Receipt]:
        """See `port.Store.commit`. Each that writes renews the lease, from before it was asked. It
        is asked here and now: questions are answered in their order."""
        asked_at_s, began_s = passed_s(), self._loop.time()
        receipt = _commit(self, batch)
        receipt.add_done_callback(partial(self._note_renewal, asked_at_s, began_s))
        return receipt

    def _note_renewal(
        self, asked_at_s: float, began_s: float, receipt: "asyncio.Future[port.Receipt]"
    ) -> None:
        if receipt.cancelled() or receipt.exception() is not None:
            return
        if not receipt.result().moved:  # that says what is known in memory: nothing was written
            self._lease.renewed(asked_at_s)
            self._renewed_s = began_s

    async def _renew(self) -> None:
        """Commit nothing where nothing was committed for a third of the lease."""
        while True:
            wait_s = self._renewed_s + RENEW_S - self._loop.time()
            await asyncio.sleep(max(wait_s, RENEW_S / 10))
            if wait_s <= 0:
                try:
                    await self.commit(port.Batch(0))
                except port.StoreDown:
                    continue  # the lease goes on to run; what needs it waits

    async def close(self, clean: bool = True) -> None:
        """See `port.Store`."""
        self._renewing.cancel()
        await super().close(clean)


@contextmanager
def _given(database: StoreDatabase, ours: Ownership) -> Iterator[int]:
    """Open a file with what a half is started with: a command line would show the password, and so
    may an environment."""
    ours_end, theirs = os.pipe()
    try:
        given = OwnedDatabase(
            uri=database.uri,
            schema=database.schema,
            epoch=ours.epoch,
            holder=ours.holder,
            environment={
                name: value for name, value in os.environ.items() if name.startswith(_LIBPQ)
            },
        )
        with open(theirs, "wb") as file:
            file.write(msgspec.msgpack.encode(given))
        yield ours_end
    finally:
        os.close(ours_end)

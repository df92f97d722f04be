"""Says in the map who owns a cell: this process, as long as it does.

The epoch is that of the store, or above it: a store in a directory counts no owners, and one that
was restored may have counted fewer. Who holds the lease of the store is right, so where the map
names somebody else, an epoch above that one's is put; nobody does so whose lease is over. It stands
in the store as well: a store that does not know of the owner before is an earlier one.
"""

import asyncio
from contextlib import suppress

from tidings.app.cells.duties.former_store import NoteEpoch, note_former_owner
from tidings.app.cells.installation import Installation
from tidings.core.cells.cell_map import CellOwner
from tidings.core.running.lease import OwnerLease
from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heart
from tidings.errors import Unavailable, Unusable

EVERY_S = 1.0
PART = ServicePart(
    "cell owner",
    "other processes do not find the orgs of this one",
    work_s=60.0,
    waits_for="the map of the cells",
)


class CellOwnerRow:
    """One task that puts the owner of a cell wherever the map has another one."""

    def __init__(
        self,
        installation: Installation,
        lease: OwnerLease,
        note: NoteEpoch,
    ) -> None:
        self._installation = installation
        self._lease = lease
        self._note = note
        self._noted = 0  # the epoch that the store has
        self._incarnation = ""  # of the map that has our row
        self._may_be_named = False  # a map was asked to have it: who is cut off hears no answer

    async def run(self, heart: Heart) -> None:
        """Look each second, until cancelled."""
        while True:
            await self.put()
            await heart.sleep(EVERY_S)

    async def put(self) -> None:
        """Put the owner where the map has another one, or is another one."""
        installation, reader = self._installation, self._installation.reader
        incarnation = reader.view.place.incarnation
        if not incarnation or not self._lease.holds():
            return  # the map was never read, or the cell is another process's by now
        known, own = reader.view.places.owner_of(installation.cell), installation.owner
        is_new = not self._incarnation
        if known == own and incarnation == self._incarnation and self._noted == own.epoch:
            return
        with suppress(Unavailable, Unusable):  # the reader says so, and it is done again
            if known is not None and is_new:
                await note_former_owner(installation, self._note)
            if known is not None and known.epoch >= own.epoch and (known != own or is_new):
                own = installation.owner = CellOwner(known.epoch + 1, own.address)
            self._may_be_named = True
            await installation.store.put_owner(installation.cell, own)
            self._incarnation = incarnation
            await self._note(own.epoch, True)  # noqa: FBT003  # as the port has it
            self._noted = own.epoch
            await reader.look()

    async def let_go(self, seconds: float) -> None:
        """Say that nobody owns the cell any more, also where `put` was cancelled before it heard
        whether the map has the row; give it up after so many seconds."""
        if not self._may_be_named:
            return
        owner = CellOwner(self._installation.owner.epoch, "")
        with suppress(TimeoutError, Unavailable, Unusable):
            async with asyncio.timeout(seconds):
                await self._installation.store.put_owner(self._installation.cell, owner)

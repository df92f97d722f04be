"""Takes as delivered what was accepted before a time, while nothing is sent.

After a restore everything that was unfinished at the moment of the backup is unfinished again, and
most of it has been delivered since. Who knows until when that is so says it, and what is older is
not sent once more. It is done in slices behind the commits, like a cancel: ordering keys are freed,
lanes let go of what they hold, jobs count it as delivered.
"""

import asyncio
from contextlib import AbstractContextManager, nullcontext

import msgspec

from tidings.core.audit.audit_actions import DELIVERIES_TAKEN
from tidings.core.audit.entries import PLATFORM_CHAIN
from tidings.core.times import iso
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.delivery.stops import EVERYTHING, Stops
from tidings.engine.events.commit_queue import CommitQueue
from tidings.errors import Conflict, FieldRefusal
from tidings.store import port

LOOKED_AT = 5000  # deliveries at a time, by the reading half
SLICE = 500  # of these, ended by one commit
START = (0, 0, 0, 0)
OWED_AGAIN_S = 0.05


class NotStopped(Conflict):
    """Sending is not stopped for all orgs: what is taken here could be under way."""

    def __init__(self) -> None:
        message = (
            "Sending must be stopped for all orgs before events can be marked as delivered; it is "
            "not. POST /v1/stop first, or start with --hold."
        )
        super().__init__(FieldRefusal.build("not_stopped", message))


class BacklogCount(msgspec.Struct, frozen=True):
    """The count of a backlog; `ended` says whether that is all."""

    deliveries: int
    ended: bool


class RestoredBacklog:
    """Over the store and the commits."""

    def __init__(
        self, *, store: port.LaneStore, audit: AuditLog, commits: CommitQueue, stops: Stops
    ) -> None:
        self._store = store
        self._audit = audit
        self._commits = commits
        self._stops = stops

    async def count(self, accepted_before_ms: int, for_s: float) -> BacklogCount:
        """Estimate how many it would be, counted within `for_s` seconds."""
        loop = asyncio.get_running_loop()
        ends_s, count = loop.time() + for_s, 0
        if not await self._all_made(accepted_before_ms, ends_s):
            return BacklogCount(await self._store.owed_before(accepted_before_ms), False)
        place: tuple[int, int, int, int] | None = START
        while place is not None:
            if loop.time() > ends_s:
                return BacklogCount(count, False)
            part = await self._store.unfinished_before(accepted_before_ms, place, LOOKED_AT)
            count, place = count + len(part.deliveries), part.place
        return BacklogCount(count, True)

    async def take(self, accepted_before_ms: int, by: str, for_s: float) -> BacklogCount:
        """Take them, as many as there are in about `for_s` seconds. NotStopped, StoreDown."""
        loop = asyncio.get_running_loop()
        ends_s, count = loop.time() + for_s, 0
        if not await self._all_made(accepted_before_ms, ends_s):
            return BacklogCount(0, False)
        place: tuple[int, int, int, int] | None = START
        recording: AbstractContextManager[None] = self._audit.recording(
            DELIVERIES_TAKEN,
            PLATFORM_CHAIN,
            "all",
            None,
            {"acceptedBefore": iso(accepted_before_ms)},
        )
        while place is not None:
            part = await self._store.unfinished_before(accepted_before_ms, place, LOOKED_AT)
            for at in range(0, len(part.deliveries), SLICE):
                if loop.time() > ends_s:
                    return BacklogCount(count, False)
                if self._stops.of(EVERYTHING) is None:
                    raise NotStopped
                wanted = part.deliveries[at : at + SLICE]
                with recording:  # the first slice alone
                    done = await self._commits.cancel(port.CancelSlice(wanted, by, delivered=True))
                recording = nullcontext()
                count += len(done.deliveries)
            place = part.place
        return BacklogCount(count, True)

    async def _all_made(self, accepted_before_ms: int, ends_s: float) -> bool:
        """Wait until what is owed of such events is made, which goes on by itself."""
        while await self._store.owed_before(accepted_before_ms):
            if asyncio.get_running_loop().time() > ends_s:
                return False
            await asyncio.sleep(OWED_AGAIN_S)
        return True

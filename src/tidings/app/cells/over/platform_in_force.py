"""The platform's own credentials and the stop of everything, as they stand in the map and go
between owners.

What is changed is put into the map first, and each owner is told of it; while the map's store is
away it goes to every owner that answers, each of which puts it into the map when that is back. An
owner takes what is newer than what it knows, by its revision, and then says so. What was stopped or
revoked is in force everywhere once every owner has said so, or has let its cell go: whoever takes a
cell over reads the map before it sends anything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

import msgspec
import structlog

from tidings.api.cells.question import CellQuestion
from tidings.api.context import Services
from tidings.app.cells.installation import Installation
from tidings.app.cells.over.every_cell import EveryCell
from tidings.core.audit.actor import SERVICE, Actor
from tidings.core.cells.cell_map import unconfirmed
from tidings.core.cells.families import CellId
from tidings.core.running.service_part import ServicePart
from tidings.engine.access.access import CredentialBook
from tidings.engine.audit.current_actor import acting_as, current_actor
from tidings.engine.changes import Changes
from tidings.engine.delivery.stops import EVERYTHING, HOLD, Stops
from tidings.engine.heartbeats import Heart
from tidings.engine.over_cells import NotConfirmed
from tidings.errors import Unavailable, Unusable
from tidings.store import port
from tidings.store.port.cell_map import MapDown, MapRefused, PlatformKind, PlatformRow

EVERY_S = 0.5
TRIES_MAX = 5  # to put a row that others change too
CONFIRM_S = 10.0
FIRST_LOOK_S = 10.0  # at the map
PART = ServicePart(
    "platform",
    "stops and credentials of the platform that are changed elsewhere are not heard of",
    work_s=60.0,
    waits_for="the map of the cells",
)
Key = tuple[PlatformKind, str]
STOP_KEY: Key = (PlatformKind.STOP, "all")

log = structlog.get_logger(__name__)


class StopRow(msgspec.Struct, frozen=True):
    """Hold whether sending is stopped for all orgs, since when, and who has said so."""

    is_stopped: bool
    by: str
    at_ms: int
    actor: Actor = SERVICE


class RowsAnnounced(msgspec.Struct, frozen=True):
    """Tell an owner of rows, which the map has too, if it can be asked."""

    rows: list[PlatformRow]


class RowsTaken(msgspec.Struct, frozen=True):
    """Say whether an owner has them in force."""

    are_in_force: bool


class PlatformInForce:
    """An `OverCells`. To be used within one event loop."""

    def __init__(
        self,
        installation: Installation,
        every: EveryCell,
        book: CredentialBook,
        stops: Stops,
        changes: Changes,
        now_ms: Callable[[], int],
        confirm_s: float = CONFIRM_S,
    ) -> None:
        """`confirm_s`: how long owners are waited for."""
        self._installation = installation
        self._every = every
        self._book = book
        self._stops = stops
        self._changes = changes
        self._now_ms = now_ms
        self._confirm_s = confirm_s
        self._known: dict[Key, PlatformRow] = {}  # in force here
        self._owed: dict[Key, PlatformRow] = {}  # the map does not have them yet
        self._lock = asyncio.Lock()
        self.question = CellQuestion(
            name="platform", asks=RowsAnnounced, finds=RowsTaken, answer=self._take_announced
        )

    # -- what is changed here ---------------------------------------------------------------------

    async def put_credential(self, credential: port.StoredCredential) -> None:
        """See `OverCells`."""
        await self._put((PlatformKind.CREDENTIAL, credential.id), _content_of(credential))

    async def confirm_credential(self, id: str) -> None:
        """See `OverCells`."""
        await self._confirm((PlatformKind.CREDENTIAL, id))

    async def put_stop(self, stop: port.SendingStop | None) -> None:
        """See `OverCells`."""
        since_ms = self._now_ms() if stop is None else stop.since_ms
        by = "" if stop is None else stop.by
        row = StopRow(is_stopped=stop is not None, by=by, at_ms=since_ms, actor=current_actor())
        await self._put(STOP_KEY, msgspec.json.encode(row))

    async def confirm_stop(self) -> None:
        """See `OverCells`."""
        await self._confirm(STOP_KEY)

    async def _put(self, key: Key, content: bytes) -> None:
        """Put a row that takes the place of the one that is known. It is in force here."""
        reader = self._installation.reader
        for _ in range(TRIES_MAX):
            known = max(
                (row.revision for row in (reader.view.platform_row(*key), self._known.get(key))
                 if row is not None),
                default=0,
            )  # fmt: skip
            row = PlatformRow(kind=key[0], name=key[1], revision=known + 1, content=content)
            try:
                is_put = await self._installation.store.put_platform([row])
            except (MapDown, Unusable):
                self._owed[key] = row
                is_put = 1
            if is_put:
                self._known[key] = row
                return
            await reader.look()  # somebody else has changed it meanwhile
        raise MapDown(f"a row was overtaken {TRIES_MAX} times")

    async def _confirm(self, key: Key) -> None:
        """Tell every other owner, and wait until each has it in force, or has let its cell go."""
        row = self._known.get(key)
        if row is None:
            return
        until_s = asyncio.get_running_loop().time() + self._confirm_s
        announced = msgspec.json.encode(RowsAnnounced([row]))
        while True:
            found = await self._every.ask(
                self.question.name, announced, RowsTaken, self._confirm_s / 2
            )
            missing = {cell for cell in found.missing if not self._is_let_go(cell)}
            missing |= {cell for cell, taken in found.by_cell.items() if not taken.are_in_force}
            if not missing:
                return
            if asyncio.get_running_loop().time() >= until_s:
                raise NotConfirmed(await self._without_word(missing))
            await asyncio.sleep(EVERY_S)
            await self._installation.reader.look()

    def _is_let_go(self, cell: CellId) -> bool:
        owner = self._installation.reader.view.places.owner_of(cell)
        return owner is not None and not owner.address

    async def _without_word(self, missing: set[CellId]) -> Sequence[CellId]:
        """Leave out those whose owner was not reached, but has read the map since."""
        reader = self._installation.reader
        try:
            confirmed = await self._installation.store.confirmations()
        except (Unavailable, Unusable):
            return sorted(missing)
        if self._owed:
            return sorted(missing)
        asked = {cell: read for cell, read in confirmed.items() if cell in missing}
        return unconfirmed(reader.view.place.version, asked, ())

    # -- what is changed elsewhere ----------------------------------------------------------------

    async def begin(self) -> None:
        """See `OverCells`. What this cell keeps of the platform's own is put into the map."""
        self._stops.wait_for_map()
        with suppress(TimeoutError, MapRefused):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._installation.reader.look()
                await self._follow(is_start=True)
                await self._put_owed()

    async def run(self, heart: Heart) -> None:
        """Follow the map, until cancelled. It is read by another part."""
        while True:
            with suppress(MapRefused):
                await self.follow()
            await self._put_owed()
            await heart.sleep(EVERY_S)

    async def follow(self) -> None:
        """Have in force what the map has, as it was read. Raise `MapRefused` where that cannot be:
        it is not confirmed then."""
        await self._follow()

    async def _follow(self, *, is_start: bool = False) -> None:
        view = self._installation.reader.view
        if not view.place.incarnation:
            return  # it was never read
        now_ms = self._now_ms()
        rows = [
            row
            for kind in (PlatformKind.CREDENTIAL, PlatformKind.STOP)
            for row in view.in_force(kind, now_ms)
        ]
        is_start = is_start or self._stops.waits
        if not await self.take(rows, is_start=is_start):
            raise MapRefused("The map has what this release of Tidings cannot read. Update it.")
        await self._put_own(is_start)
        self._stops.go_on()

    async def _put_own(self, is_start: bool) -> None:
        """Put into the map what it does not know of the credentials that this cell keeps; at a
        start also what it has otherwise: the store of the cell is right."""
        for credential in self._book.kept_of_platform():
            row = self._known.get((PlatformKind.CREDENTIAL, credential.id))
            if row is None or (is_start and row.content != _content_of(credential)):
                await self.put_credential(credential)
        stop = self._stops.of(EVERYTHING)
        if STOP_KEY not in self._known and stop is not None and stop.by != HOLD:
            await self.put_stop(stop)  # it is of before there were several cells

    async def _put_owed(self) -> None:
        for key, row in [*self._owed.items()]:
            try:
                await self._installation.store.put_platform([row])
            except (Unavailable, Unusable):
                return
            self._owed.pop(key, None)  # put now, or overtaken by a later one

    async def _take_announced(self, services: Services, announced: RowsAnnounced) -> RowsTaken:
        taken = await self.take(announced.rows)
        view = self._installation.reader.view
        for row in announced.rows:
            known = view.platform_row(row.kind, row.name)
            if known is None or known.revision < row.revision:
                self._owed[row.kind, row.name] = row
        return RowsTaken(taken)

    async def take(self, rows: Iterable[PlatformRow], *, is_start: bool = False) -> bool:
        """Have rows in force here that are newer than those that are; return whether all are."""
        async with self._lock:
            done = True
            for row in rows:
                key = (row.kind, row.name)
                known = self._known.get(key)
                if known is not None and known.revision >= row.revision:
                    continue
                try:
                    await self._take_one(row, is_start)
                except msgspec.DecodeError as error:
                    log.error("a row of the map is not read", name=row.name, reason=str(error))
                    done = False
                    continue
                self._known[key] = row
            return done

    async def _take_one(self, row: PlatformRow, is_start: bool) -> None:
        content = row.content or b""
        if row.kind is PlatformKind.CREDENTIAL:
            await self._take_credential(msgspec.json.decode(content, type=port.StoredCredential))
            return
        if row.kind is not PlatformKind.STOP:
            return
        stop = msgspec.json.decode(content, type=StopRow)
        held = self._stops.of(EVERYTHING)
        if is_start and not stop.is_stopped and held is not None and held.by == HOLD:
            if stop.at_ms < held.since_ms:
                return  # it was not about this hold
        with acting_as(stop.actor):
            work: Awaitable[object] = (
                self._stops.stop_here(EVERYTHING, stop.by, stop.at_ms)
                if stop.is_stopped
                else self._stops.start_here(EVERYTHING)
            )
            try:
                await work
            except Unavailable as error:  # in force, but for a start, and read again at the next
                log.error("a stop is not written down", reason=str(error))
                if not stop.is_stopped:
                    raise

    async def _take_credential(self, credential: port.StoredCredential) -> None:
        """Take one of the platform's own; of one that is kept here only that it was revoked."""
        if self._book.take_elsewhere(credential) or credential.revoked_ms is None:
            return
        own = self._book.credential(credential.id)
        if own is not None and own.platform and own.revoked_ms is None:
            revoked = port.revise(
                own, revoked_ms=credential.revoked_ms, previous=None, previous_until_ms=None
            )
            await self._changes.run(lambda: self._book.keep_here(revoked))


def _content_of(credential: port.StoredCredential) -> bytes:
    """Return what a row has of a credential; its last use is known to its own cell alone."""
    return msgspec.json.encode(msgspec.structs.replace(credential, used_ms=None))

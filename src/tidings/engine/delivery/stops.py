"""The stop switches: nothing is sent for an org, or for all of them, and nothing is lost by it.

Events are accepted and matched as ever; their deliveries wait in the store. A switch outlives a
restart. It is thrown in memory first, so that nothing starts once its caller is answered, whatever
the store says; where the store takes nothing, neither switch nor entry of the audit log is written.
"""

import msgspec

from tidings.core.audit.audit_actions import SENDING_STARTED, SENDING_STOPPED
from tidings.core.ids import OrgId
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.clock import Clock
from tidings.engine.families import AwayFamilies
from tidings.engine.listeners import Listeners
from tidings.engine.over_cells import OverCells
from tidings.store import port

EVERYTHING = OrgId(0)  # as the chain of the platform in the audit log
HOLD = "serve --hold"  # who has stopped everything where a start was asked to


class Stops:
    """The switches of this service."""

    def __init__(
        self,
        *,
        store: port.StopStore,
        audit: AuditLog,
        clock: Clock,
        switched: Listeners[()],
        families: AwayFamilies,
    ) -> None:
        """`switched` hears of each switch that is thrown; nothing starts either for orgs whose
        family is not here."""
        self._store = store
        self._audit = audit
        self._clock = clock
        self._stops: dict[OrgId, port.SendingStop] = {}
        self._switched = switched
        self._families = families
        self.over_cells: OverCells | None = None
        """Whom the switch for everything is told to; None: there is one cell."""
        self._waits = False  # for what is in force over all cells

    async def load(self) -> None:
        """Take up the switches that a former owner left thrown, and what is in force over all
        cells."""
        self._stops = {stop.org: stop for stop in await self._store.stops()}
        if self.over_cells is not None:
            await self.over_cells.begin()

    def is_stopped(self, org: OrgId) -> bool:
        """Return whether attempts of the org's webhooks may not start."""
        if self._waits or self._families.is_away(org):
            return True
        return bool(self._stops) and (org in self._stops or EVERYTHING in self._stops)

    def of(self, org: OrgId) -> port.SendingStop | None:
        """Return the org's own switch, if it is thrown; 0 is the one for everything."""
        return self._stops.get(org)

    @property
    def orgs(self) -> int:
        """Count the orgs that are stopped by a switch of their own."""
        return sum(1 for org in self._stops if org != EVERYTHING)

    @property
    def waits(self) -> bool:
        """Return whether nothing is sent until the map of the cells was read."""
        return self._waits

    def wait_for_map(self) -> None:
        """Start nothing until `go_on`: whether sending is stopped over all cells is not known."""
        self._waits = True

    def go_on(self) -> None:
        """Start what is not stopped. Idempotent."""
        if self._waits:
            self._waits = False
            self._switched.tell()

    async def stop(self, org: OrgId, by: str) -> port.SendingStop:
        """Stop sending; everything, in all cells. StoreDown: it is stopped, but a restart would not
        remember it. NotConfirmed: not in every cell."""
        if org != EVERYTHING or self.over_cells is None:
            return await self.stop_here(org, by)
        known = self._stops.get(org)
        stop = port.SendingStop(org, by, self._clock.now_ms()) if known is None else known
        self._throw(stop)
        await self.over_cells.put_stop(stop)
        stop = await self.stop_here(org, by)
        await self.over_cells.confirm_stop()
        return stop

    async def start(self, org: OrgId) -> None:
        """Send again; for everything, in all cells. StoreDown: it stays stopped. NotConfirmed: it
        may stay stopped in some cells. A stop that comes meanwhile is in force."""
        if org != EVERYTHING or self.over_cells is None:
            await self.start_here(org)
            return
        await self.over_cells.put_stop(None)
        await self.start_here(org)
        await self.over_cells.confirm_stop()

    async def stop_here(self, org: OrgId, by: str, since_ms: int | None = None) -> port.SendingStop:
        """Stop sending in this cell alone. StoreDown as above."""
        now_ms = self._clock.now_ms() if since_ms is None else since_ms
        known = self._stops.get(org) or port.SendingStop(org, by, now_ms)
        # An object of its own each time: a start under way then knows that it was overtaken.
        stop = self._throw(msgspec.structs.replace(known))
        with self._audit.recording(SENDING_STOPPED, org, _object(org)):
            await self._store.put_stop(stop)
        return stop

    async def start_here(self, org: OrgId) -> None:
        """Send again in this cell alone. StoreDown as above."""
        if (found := self._stops.get(org)) is not None:
            with self._audit.recording(SENDING_STARTED, org, _object(org)):
                await self._store.drop_stop(org)
            if self._stops.get(org) is found:
                del self._stops[org]
            self._switched.tell()

    def _throw(self, stop: port.SendingStop) -> port.SendingStop:
        self._stops[stop.org] = stop
        self._switched.tell()
        return stop

    def start_notice(self) -> str | None:
        """Say at a start that nothing is sent; None where it sends."""
        stop = self._stops.get(EVERYTHING)
        if stop is None:
            return None
        return (
            f"Sending is stopped for all orgs, by {stop.by}. Events are accepted, and nothing is "
            "sent.\nNext: tidings sending resume --all"
        )

    def notices(self) -> list[str]:
        """List what an operator should know, in sentences; no org is named."""
        found = []
        if self._waits:
            found.append(
                "Nothing is sent until the map of the cells was read: whether sending is stopped "
                "over all cells is not known."
            )
        if EVERYTHING in self._stops:
            by = ", by serve --hold" if self._stops[EVERYTHING].by == HOLD else ""
            found.append(f"Sending is stopped for all orgs{by}. POST /v1/start starts it again.")
        if self.orgs:
            found.append(
                f"Sending is stopped for {self.orgs} org{'' if self.orgs == 1 else 's'}. POST "
                "/v1/orgs/{orgId}/start lets it go on."
            )
        return found


def _object(org: OrgId) -> str:
    """Return what an entry of the audit log calls the sending of an org, or of all."""
    return "all" if org == EVERYTHING else str(org)

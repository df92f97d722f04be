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

    async def load(self) -> None:
        """Take up the switches that a former owner left thrown."""
        self._stops = {stop.org: stop for stop in await self._store.stops()}

    def is_stopped(self, org: OrgId) -> bool:
        """Return whether attempts of the org's webhooks may not start."""
        if self._families.is_away(org):
            return True
        return bool(self._stops) and (org in self._stops or EVERYTHING in self._stops)

    def of(self, org: OrgId) -> port.SendingStop | None:
        """Return the org's own switch, if it is thrown; 0 is the one for everything."""
        return self._stops.get(org)

    @property
    def orgs(self) -> int:
        """Count the orgs that are stopped by a switch of their own."""
        return sum(1 for org in self._stops if org != EVERYTHING)

    async def stop(self, org: OrgId, by: str) -> port.SendingStop:
        """Stop sending. StoreDown: it is stopped, but a restart would not remember it."""
        known = self._stops.get(org) or port.SendingStop(org, by, self._clock.now_ms())
        # An object of its own each time: a start under way then knows that it was overtaken.
        stop = self._stops[org] = msgspec.structs.replace(known)
        self._switched.tell()
        with self._audit.recording(SENDING_STOPPED, org, _object(org)):
            await self._store.put_stop(stop)
        return stop

    async def start(self, org: OrgId) -> None:
        """Send again. StoreDown: it stays stopped. A stop that comes meanwhile is in force."""
        if (found := self._stops.get(org)) is not None:
            with self._audit.recording(SENDING_STARTED, org, _object(org)):
                await self._store.drop_stop(org)
            if self._stops.get(org) is found:
                del self._stops[org]
            self._switched.tell()

    def start_notice(self) -> str | None:
        """Say at a start that nothing is sent; None where it sends."""
        stop = self._stops.get(EVERYTHING)
        if stop is None:
            return None
        return (
            f"Sending is stopped for all orgs, by {stop.by}. Events are accepted, and nothing is "
            "sent.\nNext: tidings sending start --all"
        )

    def notices(self) -> list[str]:
        """List what an operator should know, in sentences; no org is named."""
        found = []
        if EVERYTHING in self._stops:
            by = ", by serve --hold" if self._stops[EVERYTHING].by == HOLD else ""
            found.append(f"Sending is stopped for all orgs{by}. POST /v1/start lets it go on.")
        if self.orgs:
            found.append(
                f"Sending is stopped for {self.orgs} org{'' if self.orgs == 1 else 's'}. POST "
                "/v1/orgs/{orgId}/start lets it go on."
            )
        return found


def _object(org: OrgId) -> str:
    """Return what an entry of the audit log calls the sending of an org, or of all."""
    return "all" if org == EVERYTHING else str(org)

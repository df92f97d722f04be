"""Looks at payloads by people, written to the audit log behind the page: nobody waits for it.

Of a person, an object and a minute there is one entry. Where the store takes none, they wait, and
the pages are shown all the same; what finds no room is lost and counted.
"""

import itertools

from tidings.core.audit.audit_actions import PAYLOAD_VIEWED, TAIL_OPENED, AuditAction
from tidings.core.audit.entries import AuditDraft, draft
from tidings.core.ids import OrgId
from tidings.core.running.service_part import ServicePart
from tidings.core.shares.table import SharedTable
from tidings.core.times import iso
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.current_actor import current_actor
from tidings.engine.clock import Clock
from tidings.engine.heartbeats import Heart
from tidings.engine.outage import Outage

WAITING_MAX = 2000  # looks that are not written yet
LATELY_MAX = 10_000  # looks of this minute
SLICE = 200  # entries in one write
EVERY_S = 5.0
MINUTE_MS = 60_000
PART = ServicePart("audit of views", "who looks at payloads is not written to the audit log")

LookKey = tuple[OrgId, str, str, str, int]  # org, actor, kind, object, minute


class ViewLog:
    """Keeps the looks of the last seconds."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._waiting = SharedTable[int, LookKey, AuditDraft](WAITING_MAX, on_evict=self.lose)
        self._lately = SharedTable[int, LookKey, None](LATELY_MAX)
        self._outage = Outage("looks at payloads")
        self.unwritten = 0

    def view(self, org: OrgId, kind: str, object: str) -> None:
        """Note that whoever acts now is shown the payload of an object of an org, if a person looks
        at it: a program has no face."""
        self._note(org, PAYLOAD_VIEWED, kind, object)

    def open_tail(self, org: OrgId) -> None:
        """Note that whoever acts now opens the live tail of an org. It shows what happens, and
        nothing of a payload."""
        self._note(org, TAIL_OPENED, TAIL_OPENED.object, str(org))

    def lose(self, key: LookKey, look: AuditDraft) -> None:
        """Count one that found no room."""
        self.unwritten += 1

    def _note(self, org: OrgId, action: AuditAction, kind: str, object: str) -> None:
        by = current_actor()
        if by.kind != "person" and by.face != "console":
            return
        now_ms = self._clock.now_ms()
        key = (org, by.id, kind, object, now_ms // MINUTE_MS)
        if key in self._lately:
            return
        self._lately.put(org, key, None)
        look = draft(org, by, action, object, None, {"at": iso(now_ms)}, object_kind=kind)
        self._waiting.put(org, key, look)

    async def run(self, heart: Heart) -> None:
        """Write what came, every five seconds."""
        while True:
            await heart.sleep(EVERY_S)
            with self._outage:
                await self.write()

    async def write(self) -> None:
        """Write all that waits. StoreDown: it waits on."""
        while keys := list(itertools.islice(self._waiting, SLICE)):
            looks = {key: look for key in keys if (look := self._waiting.pop(key)) is not None}
            try:
                await self._audit.append_all(*looks.values())
            except Exception:
                for key, look in looks.items():
                    self._waiting.put(key[0], key, look)
                raise

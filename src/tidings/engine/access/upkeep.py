"""Writes down, behind the calls, who was last here and who was not let in, and forgets what has
expired."""

import itertools
from collections.abc import Iterable, Sequence
from typing import TypeVar

from tidings.core.running.service_part import ServicePart
from tidings.engine.access.access import CredentialBook
from tidings.engine.access.session_table import SessionTable
from tidings.engine.access.sessions import ABSOLUTE_MS, IDLE_MS, Sessions
from tidings.engine.audit.sign_ins import SignInLog
from tidings.engine.clock import Clock
from tidings.engine.heartbeats import Heart
from tidings.engine.outage import Outage
from tidings.engine.running.supervisor import SupervisedTask, Supervisor
from tidings.store import port

EVERY_S = 60.0
SLICE = 200  # rows in one write
PART = ServicePart(
    "upkeep of access",
    "last uses of credentials and refused sign-ins are not written, and expired sessions are kept",
)

Used = TypeVar("Used")


class AccessUpkeep:
    """One task, from `start` to `stop`."""

    def __init__(
        self,
        *,
        store: port.AccessStore,
        access: CredentialBook,
        sessions: Sessions,
        table: SessionTable,
        sign_ins: SignInLog,
        clock: Clock,
        supervisor: Supervisor,
    ) -> None:
        self._supervisor = supervisor
        self._store = store
        self._access = access
        self._sessions = sessions
        self._table = table
        self._sign_ins = sign_ins
        self._clock = clock
        self._task: SupervisedTask | None = None
        self._outage = Outage("last uses of credentials and sessions")

    def start(self) -> None:
        """Begin; once a minute from now on."""
        self._task = self._supervisor.start(PART, self._run)

    async def stop(self) -> None:
        """Write what is left, and end. Idempotent."""
        if self._task is None:
            return
        await self._task.stop()
        self._task = None
        with self._outage:
            await self.write(last=True)

    async def write(self, *, last: bool = False) -> None:
        """Write one round. Raise StoreDown: what was not written is kept for the next one. `last`:
        there is none after it."""
        await self._sign_ins.write(last=last)
        await self._table.drop_ended()
        for uses in _slices(self._access.uses()):
            await self._store.note_uses(uses, [])
            self._access.written(uses)
        for seen in _slices(self._table.uses()):
            await self._store.note_uses([], seen)
            self._table.written(seen)
        self._sessions.forget_expired()
        now_ms = self._clock.now_ms()
        while await self._store.drop_expired(now_ms - IDLE_MS, now_ms - ABSOLUTE_MS, now_ms):
            pass

    async def _run(self, heart: Heart) -> None:
        while True:
            await heart.sleep(EVERY_S)
            with self._outage:
                await self.write()


def _slices(uses: Sequence[Used]) -> Iterable[list[Used]]:
    several = iter(uses)
    while piece := list(itertools.islice(several, SLICE)):
        yield piece

"""The actions of a process as one thing: what they are, and what makes their messages."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

import structlog

from tidings.core.actions.action import Actions
from tidings.core.actions.file.faults import Fault
from tidings.core.ids import OrgId
from tidings.core.webhooks.registry import Registry
from tidings.engine.actions.caps import Caps
from tidings.engine.actions.failing_lookups import FailingLookups, Tell
from tidings.engine.actions.lookups import Lookups
from tidings.engine.actions.needs import Needs
from tidings.engine.actions.preparation import Preparation
from tidings.engine.clock import Clock
from tidings.engine.engine import Engine
from tidings.engine.metrics import EngineMetrics
from tidings.lookups.port import Source
from tidings.store import port
from tidings.transform.port import Renderer

log = structlog.get_logger(__name__)


class ActionServices:
    """Composed once, before the engine; `serve` joins them."""

    def __init__(
        self,
        actions: Actions,
        preparation: Preparation,
        lookups: Lookups,
        needs: Needs,
        org: OrgId | None = None,
        warnings: Sequence[Fault] = (),
    ) -> None:
        """`org`: whose actions these are; `warnings`: what is odd in their file."""
        self.actions = actions
        self.preparation = preparation
        self.lookups = lookups
        self._needs = needs
        self._looking: asyncio.Task[None] | None = None
        self.org = org
        self._warnings = warnings

    @classmethod
    def compose(
        cls,
        *,
        actions: Actions,
        sources: Mapping[str, Source],
        store: port.Store,
        registry: Registry,
        renderer: Renderer,
        clock: Clock,
        org: OrgId | None = None,
        warnings: Sequence[Fault] = (),
    ) -> Self:
        """`sources`: whom each look-up asks, by its name."""

        def number_of(org: OrgId, name: str) -> int | None:
            found = (one.number for one in registry.of_org(org) if one.acts and one.name == name)
            return next(found, None)

        needs, lookups = Needs(store, number_of), Lookups(sources)
        preparation = Preparation(
            actions=actions,
            store=store,
            lookups=lookups,
            renderer=renderer,
            caps=Caps(store),
            needs=needs,
            clock=clock,
            org=org,
        )
        return cls(actions, preparation, lookups, needs, org, warnings)

    def of(self, org: OrgId) -> Actions:
        """Those of an org, as their file declares them; nobody else has any."""
        return self.actions if org == self.org else {}

    def warnings_of(self, org: OrgId) -> Sequence[Fault]:
        """What is odd in the file of an org's actions."""
        return self._warnings if org == self.org else ()

    def serve(
        self, engine: Engine, metrics: EngineMetrics, tell: Tell, clock: Clock, told_after_ms: int
    ) -> None:
        """Wake what waits, by what the engine has written; have look-ups counted, and the org told
        of those that have failed for so long."""
        self._needs.due = engine.dispatcher.due
        engine.written = self._needs.settled
        lookups = self.lookups
        if self.org is not None:
            lookups.listen(FailingLookups(self.org, self.actions, tell, clock, told_after_ms))
        metrics.counters.update(
            lookups=("Questions of actions' look-ups.", lambda: lookups.asked),
            lookups_failed=("Those without an answer.", lambda: lookups.failed),
        )

    def begin(self) -> None:
        """Read the files of look-ups, and log what is wrong with any, before anybody asks."""
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        for name, said in (await self.lookups.check(None)).items():
            log.warning("a look-up will fail", lookup=name, reason=said)

    async def close(self) -> None:
        """Let go of what look-ups have open. Idempotent."""
        if self._looking is not None:
            self._looking.cancel()
        await self.lookups.close()

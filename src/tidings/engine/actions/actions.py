"""The actions of a process as one thing: what they are, and what makes their messages."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

import structlog

from tidings.core.actions.action import Actions
from tidings.core.actions.file.faults import ActionsFileFault
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.actions.caps import Caps
from tidings.engine.actions.declared import DeclaredActions
from tidings.engine.actions.failing_lookups import FailingLookups
from tidings.engine.actions.lookups import ActionLookups
from tidings.engine.actions.needs import Needs
from tidings.engine.actions.preparation import Preparation
from tidings.engine.clock import Clock
from tidings.engine.listeners import Listeners, OrgNotices
from tidings.lookups.port import LookupBackend
from tidings.store import port
from tidings.transform.port import Renderer

log = structlog.get_logger(__name__)


class ActionServices:
    """Composed once, after who tells orgs and before the engine."""

    def __init__(
        self,
        declared: DeclaredActions,
        preparation: Preparation,
        lookups: ActionLookups,
        needs: Needs,
    ) -> None:
        self.declared = declared
        self.preparation = preparation
        self.lookups = lookups
        self.needs = needs
        self._looking: asyncio.Task[None] | None = None

    @classmethod
    def compose(
        cls,
        *,
        declared: DeclaredActions,
        sources: Mapping[str, LookupBackend],
        store: port.Store,
        registry: Registry,
        renderer: Renderer,
        clock: Clock,
        due: Listeners[int, int],
        notices: OrgNotices,
        tell_after_ms: int,
    ) -> Self:
        """Build the actions of a process. `sources`: whom each look-up asks, by its name; `due`
        hears of retries that are due now; `notices` tell an org of look-ups that have failed for
        `tell_after_ms`."""

        def number_of(org: OrgId, name: str) -> int | None:
            found = (
                webhook.number
                for webhook in registry.of_org(org)
                if webhook.type.acts and webhook.name == name
            )
            return next(found, None)

        failing = None
        if declared.org is not None:
            failing = FailingLookups(declared.org, declared.actions, notices, clock, tell_after_ms)
        needs, lookups = Needs(store, number_of, due), ActionLookups(sources, listener=failing)
        preparation = Preparation(
            actions=declared.actions,
            store=store,
            lookups=lookups,
            renderer=renderer,
            caps=Caps(store),
            needs=needs,
            clock=clock,
            org=declared.org,
        )
        return cls(declared, preparation, lookups, needs)

    @property
    def org(self) -> OrgId | None:
        """Return the org that the actions belong to; None without a file."""
        return self.declared.org

    def of(self, org: OrgId) -> Actions:
        """Return the actions of an org, as their file declares them; nobody else has any."""
        return self.declared.of(org)

    def warnings_of(self, org: OrgId) -> Sequence[ActionsFileFault]:
        """List what is odd in the file of an org's actions."""
        return self.declared.warnings_of(org)

    def begin(self) -> None:
        """Read the files of look-ups, and log what is wrong with any, before anybody asks."""
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        for name, trouble in (await self.lookups.check(None)).items():
            log.warning("a look-up will fail", lookup=name, reason=trouble)

    async def close(self) -> None:
        """Let go of what look-ups have open. Idempotent."""
        if self._looking is not None:
            self._looking.cancel()
        await self.lookups.close()

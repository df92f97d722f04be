"""Disables webhooks behind a call, for what came of their attempts, and has their owners told.

That one is to be disabled is written with the settlement that decides it, and struck out when its
owner was told. Until then it is owed: a process that is killed in between leaves it to the next.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, Protocol

from tidings.core.audit.actor import SERVICE
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.callables import Notify
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.outage import Outage
from tidings.engine.webhooks.book import WebhookBook
from tidings.engine.webhooks.faults import UnknownWebhook
from tidings.engine.webhooks.records import WebhookState
from tidings.engine.webhooks.versions import Versions
from tidings.store import port

DISABLE_AGAIN_S = 0.5


class DisableOwnerListener(Protocol):
    """Tells the owners of webhooks."""

    def disabled(
        self,
        webhook: Webhook,
        reason: str,
        parked: int,
        since_ms: int | None,
        on_notified: Notify,
    ) -> None:
        """Report to a webhook's owner that it is disabled, having failed since then, and that so
        many deliveries were parked. `on_notified` is called once the telling is sure."""


class Disables(Protocol):
    """Changes what webhooks are to do."""

    def set_status(
        self, number: int, status: WebhookStatus, reason: str | None
    ) -> Awaitable[WebhookState]:
        """Change it by the webhook's number, for a reason."""


class Disabler:
    """Notices that are owed to the owners of webhooks that were disabled without their word."""

    def __init__(
        self,
        *,
        store: port.Store,
        book: WebhookBook,
        versions: Versions,
        webhooks: Disables,
        owners: DisableOwnerListener,
        healths: HealthTracker,
    ) -> None:
        """`healths` know since when a webhook has failed."""
        self._store = store
        self._book = book
        self._versions = versions
        self._webhooks = webhooks
        self._owners = owners
        self._healths = healths
        self._running: set[asyncio.Task[None]] = set()
        self._owed: dict[int, port.Disabling] = {}  # by a former owner
        self._closing = False

    def load(self, owed: Sequence[port.Disabling]) -> None:
        """Know what a former owner of the webhooks owes."""
        self._owed = {disabling.webhook: disabling for disabling in owed}

    async def disable_owed(self) -> None:
        """Disable, before anything is sent, what the outcomes of a former owner have disabled.

        A kill may have come between. Raise StoreDown.
        """
        for owed in list(self._owed.values()):
            record = self._book.by_number(owed.webhook)
            if record is None or record.webhook.status is WebhookStatus.DISABLED:
                continue
            found = await self._versions.at(owed.webhook, owed.version)
            same = found is not None and found[1].settings.place == record.webhook.url
            if same and owed.reason and record.webhook.sends:
                with acting_as(SERVICE):
                    await self._webhooks.set_status(
                        owed.webhook, WebhookStatus.DISABLED, owed.reason
                    )
            else:
                await self._store.drop_disabling(owed.webhook, record.webhook.version)
            del self._owed[owed.webhook]  # its owner is told by the disabling itself

    def parked_before(self, number: int) -> int | None:
        """Count the deliveries that a former owner has parked whose telling is owed; None where
        nothing is. Asked once: the owner is told when parking has ended (`parked`)."""
        owed = self._owed.pop(number, None)
        return None if owed is None else owed.parked

    def disable(self, webhook: Webhook, reason: str) -> None:
        """Disable behind the call, for a reason that its owner is told. It is owed until done."""
        self._behind(self._disable(webhook, reason))

    def parked(self, webhook: Webhook, parked: int) -> None:
        """Report to a webhook's owner that nothing is left to be parked, and write down that they
        were told. A store that refuses that has it told again."""
        number, record = webhook.number, self._book.at(webhook.number)
        version, health = record.webhook.version, self._healths.of(number)
        self._owners.disabled(
            record.webhook,
            record.config.reason or "It was disabled.",
            parked,
            None if health is None else health.failing_since_ms,
            lambda: self._behind(self._forget_owed(number, version)),
        )

    async def close(self) -> None:
        """Begin no further try; wait for those that run."""
        self._closing = True
        if self._running:
            await asyncio.wait(self._running)

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        with acting_as(SERVICE):  # whoever has sent the event that it failed with
            task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _disable(self, webhook: Webhook, reason: str) -> None:
        """Disable a webhook, trying until that is done or its owner was faster. A stop interrupts
        it; the next start finishes it."""
        number, outage = webhook.number, Outage("the disabling of a webhook")
        while True:
            now = self._book.by_number(number)
            if now is None or now.webhook.url != webhook.url or not now.webhook.sends:
                if now is not None and now.webhook.status is not WebhookStatus.DISABLED:
                    await self._forget_owed(number, now.webhook.version)
                return
            with outage, contextlib.suppress(UnknownWebhook):  # it may be gone meanwhile
                await self._webhooks.set_status(number, WebhookStatus.DISABLED, reason)
            if outage.lasts:
                if self._closing:
                    return
                await asyncio.sleep(DISABLE_AGAIN_S)

    async def _forget_owed(self, number: int, version: int) -> None:
        with Outage("that an owner was told of a disabling"):
            await self._store.drop_disabling(number, version)

"""Ends what is unfinished of webhooks that were deleted (cancelled) or disabled (parked).

In slices, so that no slice holds up commits: the first before its caller is answered, the rest
behind it. What a stop interrupts is taken up at the next start.
"""

import asyncio
from collections.abc import Callable

from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.audit.current_actor import by_service
from tidings.engine.outage import Outage
from tidings.store import port

RETIRE_SLICE = 500
RETIRE_AGAIN_S = 1.0
_WORK = "the end of what a webhook has left"
_ENDS_IN = {WebhookStatus.DELETED: State.CANCELLED, WebhookStatus.DISABLED: State.PARKED}


class Retirement:
    """Over the store; `now` gives the newest version of a webhook by its number.

    `parked` is told once nothing is left of one that was disabled, and how many were parked.
    """

    def __init__(
        self,
        store: port.Store,
        now: Callable[[int], Webhook],
        parked: Callable[[Webhook, int], None],
    ) -> None:
        self._store = store
        self._now = now
        self._parked = parked
        self._running: dict[int, asyncio.Task[None]] = {}

    async def begin(self, webhook: Webhook) -> None:
        """End the first slice of what a deleted or disabled webhook has unfinished. Raise nothing
        of the store's: the rest comes behind the call."""
        if (state := _ENDS_IN.get(webhook.status)) is None:
            return
        moved: int | None = None
        with Outage(_WORK):
            moved = await self._store.retire(webhook.number, state, RETIRE_SLICE)
        if moved is None:
            self.go_on(webhook, 0)
            return
        if moved >= RETIRE_SLICE:
            self.go_on(webhook, moved)
        elif state is State.PARKED:
            self._parked(webhook, moved)

    def go_on(self, webhook: Webhook, moved: int | None = None) -> None:
        """End everything that is left, behind the caller; nothing where the webhook's status ends
        nothing.

        `moved` have been before; None where a former process began it and may have told of it.
        """
        number = webhook.number
        if webhook.status in _ENDS_IN and number not in self._running:
            task = asyncio.ensure_future(by_service(self._all(number, moved)))
            self._running[number] = task
            task.add_done_callback(lambda _: self._running.pop(number, None))

    async def done(self) -> None:
        """Wait until nothing is left to be parked or cancelled."""
        while self._running:
            await asyncio.wait(self._running.values())

    async def close(self) -> None:
        """Stop where it is; `go_on` of the next start finishes it."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _all(self, number: int, moved: int | None) -> None:
        outage = Outage(_WORK)
        while (state := _ENDS_IN.get((webhook := self._now(number)).status)) is not None:
            slice_ = 0
            with outage:
                slice_ = await self._store.retire(number, state, RETIRE_SLICE)
            if outage.lasts:
                await asyncio.sleep(RETIRE_AGAIN_S)
            elif slice_:
                moved = (moved or 0) + slice_
            else:
                if state is State.PARKED and moved is not None:
                    self._parked(webhook, moved)
                return

"""The channels of webhooks: opened by what a webhook says, anew where it says otherwise, and
closed where nobody has used them for longest.
"""

import asyncio
from collections.abc import Iterable
from itertools import islice

from tidings.core.shares.table import SharedTable
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Destination
from tidings.engine.delivery.guards.guarded_channel import GuardedChannel
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.delivery.runner import LaneDriver, WebhookRunner

OPEN_MAX = 2000  # webhooks with kept connections; of the org with most one that rests gives way
CLOSED_IN_A_TURN = 100
LOOKED_AT = 8  # of its webhooks, for one that rests
ALL = 1 << 60


class Channels:
    """Opens channels, and knows which are warm."""

    def __init__(
        self,
        *,
        destination: Destination,
        lanes: LaneDriver,
        errors: UnforeseenErrors,
    ) -> None:
        """Run background work by `lanes`."""
        self._errors = errors
        self._destination = destination
        self._lanes = lanes
        self._warm = SharedTable[int, int, WebhookRunner](ALL)

    def open(self, webhook: Webhook) -> GuardedChannel:
        """Open a channel of a webhook; nothing is dialled yet."""
        return GuardedChannel(self._destination, webhook, self._errors)

    def follow(self, runner: WebhookRunner) -> None:
        """Follow another version of its webhook: open another channel where this one is not for it.
        What is under way on the old one ends there."""
        if not runner.channel.follow(runner.webhook):
            self.renew(runner)

    def renew(self, runner: WebhookRunner) -> None:
        """Open another channel. What is under way on the old one ends there."""
        old, runner.channel = runner.channel, self.open(runner.webhook)
        if old.retire():
            self._lanes.spawn(old.close())

    def keep_warm(self, runner: WebhookRunner) -> None:
        """Note that it is used now: the connections of another one, which rests, are closed for
        it."""
        number = runner.webhook.number
        if number in self._warm:
            self._warm.touch(number)
            return
        self._warm.put(runner.webhook.org, number, runner)
        if len(self._warm) > OPEN_MAX:
            for cold in islice(self._warm.oldest_of_largest(), LOOKED_AT):
                if not self._warm[cold].slots:
                    self._lanes.spawn(self._warm[cold].channel.close())
                    self._warm.pop(cold)
                    break

    def forget(self, number: int) -> None:
        """Forget a webhook that was deleted: whoever has its runner closes its channel."""
        self._warm.pop(number)

    async def close(self, runners: Iterable[WebhookRunner]) -> None:
        """Close the channels of all of these, as one takes as long as it may; a few are begun in
        each turn of the loop, for there may be tens of thousands."""
        closing: list[asyncio.Task[None]] = []
        for runner in list(runners):
            closing.append(asyncio.ensure_future(runner.channel.close()))
            if not len(closing) % CLOSED_IN_A_TURN:
                await asyncio.sleep(0)
        await asyncio.gather(*closing)

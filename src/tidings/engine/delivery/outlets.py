"""The connections of webhooks: opened by what a webhook says, anew where it says otherwise, and
closed where nobody has used them for longest.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Sender, Target
from tidings.engine.delivery.runner import CountedOutlet, NullOutlet, WebhookRunner

CLIENTS_MAX = 2000  # webhooks with kept connections


class Outlets:
    """Opens outlets, and knows which are warm."""

    def __init__(
        self,
        *,
        sender: Sender,
        target_of: Callable[[str], Target],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        """`spawn` runs what goes on behind."""
        self._sender = sender
        self._target_of = target_of
        self._spawn = spawn
        self._warm: OrderedDict[int, WebhookRunner] = OrderedDict()

    def open(self, webhook: Webhook) -> CountedOutlet:
        """An outlet of a webhook; nothing is dialled yet."""
        if not webhook.dials:
            return CountedOutlet(NullOutlet())
        outlet = self._sender.open(
            self._target_of(webhook.url),
            webhook.connections_max,
            keep_answers=webhook.keep_answers,
        )
        return CountedOutlet(outlet)

    def follow(self, runner: WebhookRunner, was: Webhook) -> bool:
        """Open another outlet where the webhook is not as it `was`; returns whether that was so.
        What is under way on the old one ends there."""
        if _opened_for(runner.webhook) == _opened_for(was):
            return False
        old, runner.outlet = runner.outlet, self.open(runner.webhook)
        if old.retire():
            self._spawn(old.inner.close())
        return True

    def keep_warm(self, runner: WebhookRunner) -> None:
        """It is used now: the connections of another one, which rests, are closed for it."""
        number = runner.webhook.number
        if number in self._warm:
            self._warm.move_to_end(number)
            return
        self._warm[number] = runner
        if len(self._warm) > CLIENTS_MAX:
            for cold in list(self._warm)[:8]:
                if not self._warm[cold].slots:
                    self._spawn(self._warm.pop(cold).outlet.inner.close())
                    break

    def forget(self, number: int) -> None:
        """The webhook was deleted: whoever has its runner closes its outlet."""
        self._warm.pop(number, None)


def _opened_for(webhook: Webhook) -> tuple[bool, str, int, bool]:
    """What an outlet is opened for."""
    return webhook.dials, webhook.url, webhook.connections_max, webhook.keep_answers

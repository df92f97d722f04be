"""A webhook's channel as the engine holds it: whatever its driver raises harms nobody else."""

import asyncio

from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Channel, Destination, HasTasks, Headers, MessagePreview
from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors, is_end

CLOSE_S = 10.0  # then a channel is let go as it is


class GuardedChannel:
    """With a count of the attempts on it: a retired one is closed after the last.

    A driver that fails to open one is asked again by the next attempt; one that cannot say whether
    it follows a webhook is replaced; one that fails to close is let go.
    """

    __slots__ = ("_destination", "_errors", "retired", "_webhook", "active", "inner")

    def __init__(
        self, destination: Destination, webhook: Webhook, errors: UnforeseenErrors
    ) -> None:
        """Open the driver's own channel of a webhook; nothing is dialled by it."""
        self._destination = destination
        self._webhook = webhook
        self._errors = errors
        self.inner: Channel | None = None  # None: its driver has failed to open it until now
        self.active = 0
        self.retired = False
        try:
            self.inner = destination.open(webhook)
        except BaseException as error:
            self._failed(error, AttemptStep.OPEN)

    def opened(self) -> Channel:
        """Return the driver's own channel, opened now if it is not. Raise whatever the driver
        raises."""
        if self.inner is None:
            self.inner = self._destination.open(self._webhook)
        return self.inner

    def retire(self) -> bool:
        """Take no more attempts; returns whether it can be closed at once."""
        self.retired = True
        return self.unused

    @property
    def unused(self) -> bool:
        """Return whether it is retired and its last attempt has ended."""
        return self.retired and not self.active

    def follow(self, webhook: Webhook) -> bool:
        """See `Channel.follow`; False where its driver fails to say."""
        try:
            return self.inner is not None and self.inner.follow(webhook)
        except BaseException as error:
            self._failed(error, AttemptStep.FOLLOW)
            return False

    async def close(self) -> None:
        """See `Channel.close`. Raises nothing but that its task is cancelled."""
        if self.inner is None:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.inner.close()
        except BaseException as error:
            self._failed(error, AttemptStep.CLOSE)

    def _failed(self, error: BaseException, step: AttemptStep) -> None:
        task = None
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no loop runs
            pass
        if isinstance(error, KeyboardInterrupt) or (task is not None and is_end(error, task)):
            raise error
        self._errors.note(error, step, self._webhook.kind)


class GuardedDestination:
    """See `Destination`: what people are shown of a message does not fail by its driver."""

    def __init__(self, destination: Destination, errors: UnforeseenErrors) -> None:
        self._destination = destination
        self._errors = errors

    def open(self, webhook: Webhook) -> Channel:
        return self._destination.open(webhook)

    def overdue_s(self) -> float:
        """See `HasTasks`. 0 where no driver has tasks."""
        destination = self._destination
        return destination.overdue_s() if isinstance(destination, HasTasks) else 0.0

    def carried(self, webhook: Webhook) -> Headers:
        try:
            return self._destination.carried(webhook)
        except Exception as error:
            self._errors.note(error, AttemptStep.SHOW, webhook.kind)
            return []

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        try:
            return self._destination.show(webhook, headers, body, key)
        except Exception as error:
            self._errors.note(error, AttemptStep.SHOW, webhook.kind)
            return MessagePreview(webhook.kind, [], body)

"""Which lane may start another attempt: the bounds of the process, and turns where they bind.

A lane whose org holds as many slots as an org may does not wait for a turn, which it could not
take: it waits aside, until an attempt of its org has ended.
"""

from collections.abc import Callable

from tidings.core.delivery.turns import Permits, Turns
from tidings.core.ids import OrgId
from tidings.engine.delivery.runner import WebhookRunner


class Admission:
    """The slots of a process. While none wait for one, lanes take them as they come."""

    def __init__(self, attempts_max: int, may_send: Callable[[], bool]) -> None:
        self.permits = Permits(attempts_max)
        self._may_send = may_send
        self._quick = Turns()
        self._slow = Turns()
        self._slow_first = False
        self._waiting: dict[int, WebhookRunner] = {}  # for a turn
        self._aside: dict[int, dict[int, WebhookRunner]] = {}  # by org: for an end of its attempts

    @property
    def crowded(self) -> bool:
        """Whether others wait, so that who has just ended an attempt must wait for its turn too."""
        return bool(self._quick or self._slow)

    def admits(self, runner: WebhookRunner, now_s: float) -> bool:
        """Whether a slot is there for this lane. What a reader fetches takes none: it is bounded
        by what readers may have, and holds no connection while it is out."""
        if runner.webhook.pulled:
            return self._may_send()
        permits = self.permits
        if not permits.free or permits.full_for(runner.webhook.org) or not self._may_send():
            return False
        return not (permits.scarce and runner.pace.slow(now_s, runner.lane.running))

    def began(self, runner: WebhookRunner, now_s: float) -> None:
        """An attempt has started; the lane counts it already."""
        if not runner.webhook.pulled:
            self.permits.take(runner.webhook.org)
        runner.pace.began(now_s, runner.lane.running - 1)

    def ended(self, runner: WebhookRunner, now_s: float, took_s: float) -> None:
        """An attempt is over."""
        org = runner.webhook.org
        runner.pace.ended(now_s, took_s)
        if runner.webhook.pulled:
            return
        self.permits.give(org)
        self.bring(org, now_s)

    def bring(self, org: OrgId, now_s: float) -> None:
        """A slot of this org is free, or was not used: one that waits aside may try its turn."""
        if (aside := self._aside.get(org)) is not None and not self.permits.full_for(org):
            first = aside.pop(next(iter(aside)))
            if not aside:
                del self._aside[org]
            self.wait(first, now_s)

    def wait(self, runner: WebhookRunner, now_s: float) -> None:
        """Let the lane wait for its turn."""
        webhook = runner.webhook
        if self.permits.full_for(webhook.org):
            self._aside.setdefault(webhook.org, {})[webhook.number] = runner
            return
        turns = self._slow if runner.pace.slow(now_s, runner.lane.running) else self._quick
        self._waiting[webhook.number] = runner
        turns.join(webhook.org, webhook.number)

    def next(self, now_s: float) -> WebhookRunner | None:
        """Whose turn it is, now that a slot may be free; None where nobody has one."""
        while self.permits.free and self.crowded and self._may_send():
            slow_may = bool(self._slow) and not self.permits.scarce
            self._slow_first = slow_may and (not self._slow_first or not self._quick)
            turns = self._slow if self._slow_first else self._quick
            number = turns.take(lambda one: self._waiting[one].pace.cost_s)
            if number is None:
                return None
            runner = self._waiting[number]
            if not self.crowded:
                self._waiting.clear()
            if self.permits.full_for(runner.webhook.org):
                self._aside.setdefault(runner.webhook.org, {})[number] = runner
            elif runner.lane.can_start:
                return runner
            else:
                self.bring(runner.webhook.org, now_s)
        return None

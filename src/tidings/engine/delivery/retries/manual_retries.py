"""A retry that somebody asks for: now, in its lane and order, never instead of the automatic one.

One that comes before an automatic one must not take that one away: if it fails, the delivery is
due again when it would have been without it, also where the answer would have ended it for good.
"""

from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from tidings.core.audit.audit_actions import DELIVERY_RETRIED
from tidings.core.delivery.outcome import Cancelled, Delivered, Failed, Outcome, Retry
from tidings.core.ids import DeliveryId, OrgId, show
from tidings.core.shares.table import SharedTable
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.clock import Clock
from tidings.store import port

PROMISED_MAX = 10_000  # of the org with most the oldest go: their retries follow the schedule


class PromisedRetries:
    """Times at which asked-for deliveries were due anyhow. In memory: after a crash they are due at
    once."""

    def __init__(self) -> None:
        self._due_ms = SharedTable[OrgId, int, int](PROMISED_MAX)

    def make(self, org: OrgId, delivery: DeliveryId, due_ms: int) -> None:
        """Note when a delivery's automatic attempt was due; the earliest one that was promised
        stays."""
        if delivery not in self._due_ms:
            self._due_ms.put(org, delivery, due_ms)

    def forget(self, delivery: DeliveryId) -> None:
        """Drop the promise of a delivery that has ended since: no automatic attempt was due."""
        self._due_ms.pop(delivery)

    def leapt(self, by_ms: int) -> None:
        """Move every date by so many milliseconds: the clock has leapt."""
        for delivery in self._due_ms:
            self._due_ms.replace(delivery, self._due_ms[delivery] + by_ms)

    def keep(self, delivery: DeliveryId, outcome: Outcome, clock: Clock) -> Outcome:
        """Return what follows an attempt, at the latest when it was promised."""
        if not self._due_ms.used:
            return outcome
        if isinstance(outcome, Retry) and outcome.ours:
            return outcome  # nothing was tried yet
        due_ms = self._due_ms.pop(delivery)
        if due_ms is None or isinstance(outcome, Delivered | Cancelled):
            return outcome
        left_s = max(0.0, (due_ms - clock.now_ms()) / 1000)
        if isinstance(outcome, Failed):
            return outcome if outcome.disable or outcome.exhausted else Retry(delay_s=left_s)
        if outcome.deferred:
            return outcome
        return msgspec.structs.replace(outcome, delay_s=min(outcome.delay_s, left_s))


class RetryLanes(Protocol):
    """The lanes, as far as they are asked (engine/delivery/lanes/changes.py)."""

    def due(self, webhook: int, due_ms: int) -> None:
        """Note that a retry of a webhook is due then."""

    def probe(self, webhook: int) -> None:
        """Ask a webhook's receiver at once, if its breaker is open."""

    def is_under_way(self, webhook: int, delivery: DeliveryId) -> bool:
        """Return whether an attempt of a delivery is in its lane."""


class ManualRetries:
    """Asks the store for the retry and tells the lane."""

    def __init__(
        self,
        store: port.LaneStore,
        audit: AuditLog,
        promised: PromisedRetries,
        lanes: RetryLanes,
    ) -> None:
        self._store = store
        self._audit = audit
        self._promised = promised
        self._lanes = lanes

    async def ask(self, org: OrgId, delivery: DeliveryId, webhook: int) -> port.ManualRetry:
        """See `port.LaneStore.retry_now`. StoreDown."""
        if self._lanes.is_under_way(webhook, delivery):
            # One that was cancelled meanwhile is not revived: its next attempt would go beside this
            # one, and under the same number.
            with self._recording(org, delivery):
                asked = await self._store.wake(delivery)
            if asked.outcome == "over":
                return port.ManualRetry("under_way")
        else:
            with self._recording(org, delivery):
                asked = await self._store.retry_now(delivery)
        if asked.promised_ms is None and asked.outcome in ("due", "next"):
            self._promised.forget(delivery)
        if asked.due_ms is not None:
            if asked.promised_ms is not None and asked.promised_ms > asked.due_ms:
                self._promised.make(org, delivery, asked.promised_ms)
            self._lanes.due(webhook, asked.due_ms)
        if asked.due_ms is not None or asked.outcome in ("waiting", "next"):
            self._lanes.probe(webhook)
        return asked

    def _recording(self, org: OrgId, delivery: DeliveryId) -> AbstractContextManager[None]:
        """Record that the delivery is tried, where it is."""
        return self._audit.recording(DELIVERY_RETRIED, org, show("dlv", delivery), if_changed=True)

"""The one judgement of how each webhook does, kept for every face: console, API, commands, notices
and metrics ask here, and nobody looks at the health of a receiver on its own."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.receivers.judgement import (
    OF_ALL_ORGS,
    Condition,
    ConnectionHold,
    HealthState,
    WebhookActivity,
    describe_counts,
    judge_activity,
    judge_state,
    judge_webhook,
)
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.metrics import EngineMetrics
from tidings.store import port

COUNTED = (Condition.FAILING, Condition.DEGRADED, Condition.UNREAD, Condition.HELD_UP)
_FAILING = (Condition.FAILING, Condition.DEGRADED)


class WebhookJudgement(msgspec.Struct, frozen=True):
    """The judgement on a webhook, and its grounds."""

    condition: Condition
    health: port.StoredHealth | None = None  # None where its attempts do not fail
    troubles: Sequence[str] = ()  # what an action lacks, a sentence each
    hold: ConnectionHold | None = None
    state: HealthState | None = None  # what is wrong with it, whatever it is set to
    activity: WebhookActivity | None = None  # why nothing is sent, though nothing is wrong
    unread_since_ms: int | None = None  # of an unread one: since when nobody has fetched
    refused_by_filter: int | None = None  # of an idle one whose filter takes nothing: how many

    @property
    def fails(self) -> bool:
        """Return whether it is sent to, and its attempts fail."""
        return self.condition in _FAILING and self.health is not None

    @property
    def since_ms(self) -> int | None:
        """Return since when that is wrong which its state says; None where it is not known."""
        if self.state is HealthState.UNREAD:
            return self.unread_since_ms
        return None if self.health is None else self.health.failing_since_ms

    @property
    def left_alone(self) -> bool:
        """Return whether nothing is sent but a probe now and then."""
        return self.fails and self.health is not None and self.health.left_alone


class Troubles(Protocol):
    """The troubles of actions (engine/actions/troubles.py)."""

    def of(self, webhook: Webhook) -> Sequence[str]:
        """List what keeps the action of a webhook from being done, but for its own attempts."""

    def numbers(self) -> Iterable[int]:
        """Return the numbers of the webhooks of all actions."""


class Holds(Protocol):
    """The connections whose lanes are held for a fault that no message has caused."""

    def of(self, webhook: Webhook) -> ConnectionHold | None:
        """Return the fault of the connection that a webhook goes over; None where it works."""

    def numbers(self) -> Iterable[int]:
        """Return the numbers of the webhooks that are held up."""


class QuietLookup(Protocol):
    """The webhooks to which nothing goes though their receivers do not fail."""

    def unread_since_ms(self, webhook: Webhook) -> int | None:
        """Return since when nobody has fetched what waits at a webhook; None where that is well."""

    def is_idle(self, webhook: Webhook) -> bool:
        """Return whether there has been nothing to send."""

    def refused_by_filter(self, webhook: Webhook) -> int | None:
        """Return how many events its filter has refused, where it takes none."""

    def numbers(self) -> Iterable[int]:
        """List the webhooks that nobody reads."""


class StoppedOrgs(Protocol):
    """The switches that stop sending (engine/delivery/stops.py)."""

    def is_stopped(self, org: OrgId) -> bool:
        """Return whether nothing is sent for an org."""


class NoTroubles:
    """Of who has no actions."""

    def of(self, webhook: Webhook) -> Sequence[str]:
        """See `Troubles.of`."""
        return ()

    def numbers(self) -> Iterable[int]:
        """See `Troubles.numbers`."""
        return ()


class NoHolds:
    """Of who holds nothing."""

    def of(self, webhook: Webhook) -> ConnectionHold | None:
        """See `Holds.of`."""
        return None

    def numbers(self) -> Iterable[int]:
        """See `Holds.numbers`."""
        return ()


class WebhookJudgements:
    """Judges webhooks as they are at this moment; keeps nothing itself."""

    def __init__(
        self,
        healths: HealthTracker,
        registry: Registry,
        metrics: EngineMetrics,
        troubles: Troubles | None = None,
        holds: Holds | None = None,
        quiet: QuietLookup | None = None,
        stops: StoppedOrgs | None = None,
    ) -> None:
        metrics.divided["unwell_webhooks"] = lambda: self.counts()
        self._healths = healths
        self._registry = registry
        self._troubles = troubles or NoTroubles()
        self._holds = holds or NoHolds()
        self._quiet = quiet
        self._stops = stops

    def of(self, webhook: Webhook) -> WebhookJudgement:
        """Judge a webhook."""
        health = self._healths.shown(webhook.number)
        troubles = self._troubles.of(webhook) if webhook.type.acts else ()
        hold = self._holds.of(webhook)
        is_called, quiet = webhook.has_target, self._quiet
        is_stopped = self._stops is not None and self._stops.is_stopped(webhook.org)
        unread_since_ms = None if quiet is None else quiet.unread_since_ms(webhook)
        state = judge_state(
            webhook.status,
            is_called=is_called,
            fails=health is not None,
            fails_in_part=health is not None and health.fails_in_part,
            troubles=troubles,
            hold=hold,
            unread=unread_since_ms is not None,
        )
        condition = judge_webhook(webhook.status, is_called=is_called, state=state, hold=hold)
        activity = judge_activity(
            webhook.status,
            state=state,
            is_held=hold is not None or not is_called or is_stopped,
            is_idle=quiet is not None and quiet.is_idle(webhook),
        )
        is_idle = activity is WebhookActivity.IDLE
        return WebhookJudgement(
            condition,
            health,
            troubles,
            hold=hold,
            state=state,
            activity=activity,
            unread_since_ms=unread_since_ms,
            refused_by_filter=quiet.refused_by_filter(webhook) if quiet and is_idle else None,
        )

    def suspects(self) -> set[int]:
        """Return the numbers of all webhooks that may fail, be held up or be
        unread."""
        known = self._healths.failing_numbers, self._troubles.numbers(), self._holds.numbers()
        unread = () if self._quiet is None else self._quiet.numbers()
        return {number for numbers in (*known, unread) for number in numbers}

    def counts(self) -> Counter[str]:
        """Count the webhooks of all orgs with one of the conditions `COUNTED`, by condition."""
        counted: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        counted.update(judged.condition for _, judged in self.unwell())
        return counted

    def unwell(self) -> Iterator[tuple[Webhook, WebhookJudgement]]:
        """Yield the webhooks of all orgs that fail or are held up, with the judgement on each."""
        for number in self.suspects():
            webhook = self._registry.get(number)
            if webhook is not None and (judged := self.of(webhook)).condition in COUNTED:
                yield webhook, judged

    def counts_of(self, webhooks: Iterable[Webhook]) -> Counter[str]:
        """Count webhooks with one of the conditions `COUNTED`, by condition."""
        conditions = (self.of(webhook).condition for webhook in webhooks)
        return Counter(condition.value for condition in conditions if condition in COUNTED)

    def notices(self) -> list[str]:
        """Say how many webhooks of all orgs need somebody, in a sentence; none where none does."""
        words = describe_counts(self.counts())
        return [f"{OF_ALL_ORGS}{words}."] if words else []


def judge_by_status(webhook: Webhook) -> WebhookJudgement:
    """Judge a webhook of which nothing is known but what somebody has decided."""
    return WebhookJudgement(judge_webhook(webhook.status, is_called=webhook.has_target, state=None))

"""What a review of incidents sees of webhooks: by the one judgement of how each does, and by what
the store has of their backlogs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.receivers.attempt_share import ATTEMPTS_MIN
from tidings.core.delivery.states import State
from tidings.core.incidents.incident import IncidentKind
from tidings.core.incidents.observation import OLD_MS, QUIET_S, Observation
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.callables import ReadSeconds
from tidings.engine.clock import Clock
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.lanes.runners import StopSwitches
from tidings.engine.webhooks.judgements import WebhookJudgements
from tidings.store import port

_DUE = (State.PENDING, State.HELD, State.RETRYING)


class LaneSuspects(Protocol):
    """The lanes at work (engine/delivery/dispatcher.py)."""

    def with_backlog(self) -> Sequence[int]:
        """List the numbers of the webhooks whose lanes have something that has not started."""


class Fetches(Protocol):
    """Calls of readers (engine/pull/pulls.py)."""

    def is_read(self, number: int, within_s: float) -> bool:
        """Return whether somebody has fetched from a webhook within that time."""


class SeenBacklog(msgspec.Struct, frozen=True):
    """Hold how many deliveries of a webhook wait for their turn or a retry, and since when the
    oldest of those has waited that were never tried: a retry waits for its time."""

    waiting: int
    oldest_due_ms: int | None = None


class WebhookSightings:
    """Looks at webhooks for the reviews of incidents."""

    def __init__(
        self,
        *,
        store: port.TotalsStore,
        clock: Clock,
        passed_s: ReadSeconds,
        healths: HealthTracker,
        judgements: WebhookJudgements,
        stops: StopSwitches,
        lanes: LaneSuspects,
        reads: Fetches,
    ) -> None:
        self._store = store
        self._clock = clock
        self._passed_s = passed_s
        self._healths = healths
        self._judgements = judgements
        self._stops = stops
        self._lanes = lanes
        self._reads = reads
        self._quiet_s: dict[int, float] = {}  # since when one is judged well without an attempt
        self._oldest_due_s: dict[int, float] = {}  # of those with a backlog, when it was looked up

    def numbers(self) -> set[int]:
        """Return the webhooks that may do badly."""
        return self._judgements.suspects()

    def backlogged(self) -> Sequence[int]:
        """List the webhooks that may have an old backlog."""
        return self._lanes.with_backlog()

    async def backlogs(self, webhooks: Sequence[int]) -> Mapping[int, SeenBacklog]:
        """Look up what waits of some webhooks. StoreDown."""
        if not webhooks:
            return {}
        counted = await self._store.count_states(webhooks, 0, self._clock.now_ms() + 1, _DUE)
        oldest = await self._store.oldest_due(webhooks, (State.PENDING,))
        now_ms = self._clock.now_ms()
        for webhook, due_ms in zip(webhooks, oldest, strict=True):
            self._oldest_due_s.pop(webhook, None)
            if due_ms is not None:
                self._oldest_due_s[webhook] = max(0, now_ms - due_ms) / 1000
        return {
            webhook: SeenBacklog(sum(by_state.values()), due_ms)
            for webhook, by_state, due_ms in zip(webhooks, counted, oldest, strict=True)
        }

    def oldest_due_s(self) -> float:
        """Return for how many seconds the oldest delivery had waited that is due, was never tried
        and may be sent, at the last lookup of its webhook; 0 where none waits. It is not counted
        on from there: a lane that is busy and not late would seem later until its next lookup."""
        waiting = {*self._lanes.with_backlog()}
        self._oldest_due_s = {
            number: age_s for number, age_s in self._oldest_due_s.items() if number in waiting
        }
        return max(self._oldest_due_s.values(), default=0.0)

    def of(self, webhook: Webhook, backlog: SeenBacklog | None) -> Observation:
        """Return what is seen of a webhook now; `backlog`: None where nobody has looked."""
        judgement, now_ms = self._judgements.of(webhook), self._clock.now_ms()
        run = self._healths.of(webhook.number)
        health = judgement.health
        state = None if judgement.state is None else IncidentKind(judgement.state.value)
        since_ms = now_ms if judgement.since_ms is None else min(judgement.since_ms, now_ms)
        is_read = not webhook.type.fetched or self._reads.is_read(webhook.number, OLD_MS / 1000)
        is_tried = judgement.hold is None and not self._stops.is_stopped(webhook.org)
        return Observation(
            webhook=webhook.number,
            org=webhook.org,
            now_ms=now_ms,
            sends=webhook.sends and is_tried,
            state=state,
            cause="" if health is None else health.cause,
            since_ms=None if state is None else since_ms,
            failures=0 if run is None else run.failures,
            run_since_ms=None if run is None else run.failing_since_ms,
            is_left_alone=bool(judgement.troubles) or (health is not None and health.left_alone),
            is_proven=state is None and self._is_proven(webhook, is_tried=is_tried),
            has_reader=is_read,
            step=0 if run is None else run.notified,
            waiting=None if backlog is None else backlog.waiting,
            oldest_due_ms=None if backlog is None else backlog.oldest_due_ms,
        )

    def forget(self, kept: Iterable[int]) -> None:
        """Forget what was noted of all webhooks but those of open incidents."""
        kept = {*kept}
        self._quiet_s = {number: at for number, at in self._quiet_s.items() if number in kept}

    def _is_proven(self, webhook: Webhook, *, is_tried: bool) -> bool:
        number, now_s = webhook.number, self._passed_s()
        if self._healths.delivers(number, ATTEMPTS_MIN):
            return True
        if not (webhook.sends and is_tried):
            self._quiet_s.pop(number, None)
            return False
        return now_s - self._quiet_s.setdefault(number, now_s) >= QUIET_S

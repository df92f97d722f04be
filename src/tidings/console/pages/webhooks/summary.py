"""How webhooks do: their last day, what waits, and the sentence that says it."""

from collections.abc import Sequence

import msgspec

from tidings.api.context import Services
from tidings.core.actions.act_words import cannot
from tidings.core.actions.action import Act
from tidings.core.delivery.receivers.health import does_in_part, of_attempts
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.engine.webhooks.judgements import WebhookJudgement
from tidings.engine.webhooks.records import WebhookState
from tidings.reads.delivery.next_attempts import see
from tidings.reads.webhooks.attempt_totals import ArrivalTotals, AttemptTotals
from tidings.reads.webhooks.backlog import WebhookBacklog, arrivals_of, attempts_of, backlogs_now
from tidings.store import port
from tidings.store.port import ROWS_MAX

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEPT_MS = 30 * DAY_MS
_NO_DAY, _NO_COUNTS = port.Series(DAY_MS, ()), port.Tally({})


class WebhookSummary(msgspec.Struct, frozen=True):
    """The state of one webhook."""

    record: WebhookState
    judged: WebhookJudgement
    day: port.Series  # the last 24 hours, from a whole hour on
    counted: port.Tally  # exactly the last 24 hours, as every other face counts them
    left: WebhookBacklog  # to do now
    next_ms: int | None = None  # the next try, where that is known
    act: Act | None = None  # of an action: what it does

    @property
    def health(self) -> port.StoredHealth | None:
        """Return how its attempts fail; None where they do not."""
        return self.judged.health

    @property
    def stuck(self) -> Sequence[str]:
        """Of an action: what it lacks, a sentence each."""
        return self.judged.troubles

    @property
    def held(self) -> str:
        """The fault of its connection, in a sentence; empty where there is none."""
        return "" if self.judged.hold is None else self.judged.hold.why

    @property
    def standing(self) -> WebhookStatus:
        """Return its status: what happens to new events."""
        return self.record.webhook.status

    @property
    def failing(self) -> bool:
        """Return whether its receiver is not well."""
        return self.judged.fails

    @property
    def left_alone(self) -> bool:
        """Return whether its breaker is open: nothing is sent but a probe now and then."""
        return self.judged.left_alone

    @property
    def word(self) -> str:
        """Return its health in one word."""
        return self.judged.condition.value

    @property
    def also(self) -> str:
        """Return what is wrong with it where its word does not say so: of what is paused or
        disabled, what it failed at when it was. Empty where nothing is."""
        state = self.judged.state
        return "" if state is None or state.value == self.word else state.value

    @property
    def does(self) -> str:
        """Describe what a failing receiver does: `answers 503`, `answers 503 to 15 % of its
        attempts`."""
        cause = "" if self.health is None else self.health.cause
        if self.record.webhook.type.acts:
            return self._cannot(cause)
        return does_in_part(cause, *self._counted)

    @property
    def _counted(self) -> tuple[int | None, int | None]:
        """Return how many attempts failed, and of how many; None where they are not counted."""
        share = None if self.health is None else self.health.share
        return (None, None) if share is None else (share.failed, share.attempts)

    def _cannot(self, cause: str) -> str:
        """Of an action: what it does not get done, and because of whom."""
        message, share = cannot(self.act, cause), of_attempts(*self._counted, "tries")
        return f"{message}, at {share}" if share else message

    @property
    def total(self) -> int:
        """All deliveries of the day."""
        return sum(self.counted.by_state.values())

    @property
    def delivered(self) -> int:
        """Count the deliveries of the day that arrived."""
        return self.counted.by_state.get(State.DELIVERED, 0)

    @property
    def failed(self) -> int:
        """Count the deliveries of the day that failed."""
        return self.counted.by_state.get(State.FAILED, 0)

    @property
    def not_done(self) -> int:
        """Count the deliveries of the day that were cancelled, as an action does where it has a
        reason to."""
        return self.counted.by_state.get(State.CANCELLED, 0)

    @property
    def waiting(self) -> int:
        """Count the unfinished deliveries."""
        return self.left.waiting

    @property
    def untimed(self) -> int:
        """Count the unfinished deliveries that wait for a fault, where there is one."""
        return self.left.untimed

    @property
    def parked(self) -> int:
        """Count the deliveries that wait parked for a replay."""
        return self.left.parked

    @property
    def attempts(self) -> AttemptTotals:
        """Sum the attempts of the day's deliveries."""
        return attempts_of([self.counted], [self.counted] if self.left_alone else [])

    @property
    def arrivals(self) -> ArrivalTotals:
        """Sum what arrived of the day's deliveries, and what never did."""
        return arrivals_of([self.counted])


async def summaries(services: Services, records: Sequence[WebhookState]) -> list[WebhookSummary]:
    """Summarise some webhooks of one org, by a few questions for all of them."""
    if not records:
        return []
    now_ms = services.clock.now_ms()
    numbers = [record.webhook.number for record in records]
    lefts = await backlogs_now(services.store, services.clock, numbers)
    days = await services.store.series(
        [[number] for number in numbers], now_ms - DAY_MS, now_ms, 24
    )
    counted = await services.store.tallies(numbers, now_ms + 1 - DAY_MS, now_ms + 1)
    return await _with_next_tries(services, records, lefts, days, counted)


async def troubles(
    services: Services, records: Sequence[WebhookState], lefts: Sequence[WebhookBacklog]
) -> list[WebhookSummary]:
    """Summarise some webhooks of which it is known what is left to do, with an empty last day: who
    fails, is paused or disabled shows without it."""
    nothing = [_NO_DAY] * len(records), [_NO_COUNTS] * len(records)
    return await _with_next_tries(services, records, lefts, *nothing)


async def _with_next_tries(
    services: Services,
    records: Sequence[WebhookState],
    lefts: Sequence[WebhookBacklog],
    days: Sequence[port.Series],
    tallies: Sequence[port.Tally],
) -> list[WebhookSummary]:
    made = []
    for record, day, counted, left in zip(records, days, tallies, lefts, strict=True):
        action = services.actions.of(record.org).get(record.webhook.name)
        acts = action is not None and record.webhook.type.acts
        made.append(
            WebhookSummary(
                record,
                services.delivery.judgements.of(record.webhook),
                day,
                counted=counted,
                left=left,
                act=action.act if acts and action else None,
            )
        )
    tries = await _next_tries(services, [summary for summary in made if summary.failing])
    return [
        msgspec.structs.replace(summary, next_ms=tries.get(summary.record.webhook.number))
        for summary in made
    ]


async def _next_tries(services: Services, failing: Sequence[WebhookSummary]) -> dict[int, int]:
    """Find when failing webhooks are tried again, by number: by the breaker, else by the first
    retry that is due among the newest. One question for all; others for whom these leave no room.
    None where sending is stopped."""
    sent_to = [
        summary
        for summary in failing
        if not services.delivery.stops.is_stopped(summary.record.webhook.org)
    ]
    healths = [summary.health for summary in sent_to if summary.health is not None]
    tries = {health.webhook: health.until_ms for health in healths if health.left_alone}
    asked = [summary.record for summary in sent_to if summary.record.webhook.number not in tries]
    if asked and not await _add_nexts(services, asked, tries):
        for record in asked:
            if record.webhook.number not in tries:
                await _add_nexts(services, [record], tries)
    return tries


async def _add_nexts(
    services: Services, asked: Sequence[WebhookState], tries: dict[int, int]
) -> bool:
    """Add the first next try of each webhook that a page of retries tells; whether that is all."""
    records = {record.webhook.number: record for record in asked}
    query = port.DeliveryQuery(list(records), (State.RETRYING,), limit=ROWS_MAX)
    page = await services.store.log_deliveries(query)
    for row in page.deliveries:
        next_ms = see(services, row, records[row.webhook]).next_ms
        if next_ms is not None:
            tries[row.webhook] = min(next_ms, tries.get(row.webhook, next_ms))
    return page.older is None


def bars(
    series: port.Series, width: int = 96, height: int = 24, *, calm: bool = False
) -> dict[str, str]:
    """Draw a sparkline: what arrived below, what did not above it. Return for each kind the path
    that draws all its rectangles: one element for dozens, for a list has a sparkline in every row.

    `calm`: what is tried again waits for its time, as an action's runs do in quiet hours, and has
    not failed.
    """
    points = series.points[-24:]
    highest = max((sum(point.by_state.values()) for point in points), default=0)
    if not highest:
        return {}
    step = width / len(points)
    wide = max(1.0, step - 1)
    paths: dict[str, list[str]] = {"good": [], "rest": [], "bad": []}
    for at, point in enumerate(points):
        good = point.by_state.get(State.DELIVERED, 0)
        bad = point.by_state.get(State.FAILED, 0)
        bad += 0 if calm else point.by_state.get(State.RETRYING, 0)
        rest = sum(point.by_state.values()) - good - bad
        base = float(height)
        for kind, count in (("good", good), ("rest", rest), ("bad", bad)):
            if count:
                tall = max(1.5, height * count / highest)
                base = max(0.0, base - tall)
                tall = min(tall, height)
                paths[kind].append(
                    f"M{at * step:.5g} {base:.4g}h{wide:.4g}v{tall:.4g}h-{wide:.4g}z"
                )
    return {kind: "".join(parts) for kind, parts in paths.items() if parts}

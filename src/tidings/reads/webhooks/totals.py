"""How a webhook fared: in numbers, and over time."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Protocol

from tidings.core.delivery.states import State
from tidings.core.form import Form
from tidings.core.times import iso
from tidings.engine.clock import Clock
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import Invalid
from tidings.reads.filters import SERIES, SPAN
from tidings.reads.questions import read_question
from tidings.reads.webhooks.backlog import UNSENT, arrivals_of, attempts_of, backlogs_now
from tidings.store import port
from tidings.store.port import LEFT_STATES, REPLAYED

DAY_MS = 86_400_000
DAYS_MAX = 400
_TRIED_BADLY = (State.FAILED, State.RETRYING)


class TotalParts(Protocol):
    """Services that count deliveries."""

    @property
    def store(self) -> port.TotalsStore:
        """Return the store of deliveries."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: sending, and what it waits for."""


def read_span(
    query: Mapping[str, str], zone: tzinfo, now_ms: int, *, steps: bool = False
) -> tuple[int, int, int]:
    """Read from when to when a call asks, the last day where it does not say; and in how many
    `steps`, where it may say that. Raise Invalid."""
    asked = read_question(query, SERIES if steps else SPAN, zone, now_ms)
    to_ms = now_ms + 1 if asked.to_ms is None else asked.to_ms
    from_ms = to_ms - DAY_MS if asked.from_ms is None else asked.from_ms
    form = Form({})
    if not 0 <= to_ms - from_ms <= DAYS_MAX * DAY_MS:
        form.refuse(
            "bad_range",
            "from",
            f"from must be before to, by at most {DAYS_MAX} days; got {iso(from_ms)} and "
            f"{iso(to_ms)}. Change one of them.",
        )
        raise Invalid(*form.refusals)
    return from_ms, to_ms, asked.points


async def tally_of(
    parts: TotalParts, record: WebhookState, from_ms: int, to_ms: int
) -> dict[str, Any]:
    """Count deliveries by state, attempts and answers of a time, and what is left to do now."""
    number, sla_s = record.webhook.number, record.webhook.sla_s
    counted = await parts.store.tally(number, from_ms, to_ms, sla_s)
    left_alone = parts.delivery.judgements.of(record.webhook).left_alone
    bad = (*_TRIED_BADLY, *UNSENT) if left_alone else _TRIED_BADLY
    (left,) = await backlogs_now(parts.store, parts.clock, [number])
    attempts = attempts_of([counted], [counted] if left_alone else [])
    arrivals = arrivals_of([counted])
    mean = round(counted.delivered_ms_sum / counted.delivered) if counted.delivered else None
    return {
        "from": iso(from_ms),
        "to": iso(to_ms),
        "total": sum(counted.by_state.values()),
        **_words(counted.by_state),
        "failing": sum(counted.by_state.get(int(state), 0) for state in bad),
        "attempts": attempts.ended,
        "failedAttempts": attempts.failed,
        "failedAttemptsPercent": attempts.percent_failed,
        "successPercent": attempts.percent_succeeded,
        "neverArrived": arrivals.never_arrived,
        "neverArrivedPercent": arrivals.percent_never_arrived,
        "arrivedPercent": arrivals.percent_arrived,
        "now": {state.word: left.by_state.get(state, 0) for state in LEFT_STATES},
        "averageDeliveryTimeInMs": mean,
        "answers": _answers(counted),
        "slaInSeconds": sla_s,
        "slaBreaches": counted.sla_breaches,
        "notCountedYet": counted.behind,
    }


async def series_of(
    store: port.TotalsStore, record: WebhookState, from_ms: int, to_ms: int, points: int
) -> dict[str, Any]:
    """Count the deliveries of a webhook in equal steps of a time."""
    [found] = await store.series([[record.webhook.number]], from_ms, to_ms, points)
    return {
        "stepInMs": found.step_ms,
        "points": [
            {
                "start": iso(point.start_ms),
                **_words(point.by_state),
                "attempts": point.attempts,
                "failedAttempts": attempts_of([point]).failed,
                "neverArrived": arrivals_of([point]).never_arrived,
                "p50InMs": point.p50_ms,
                "p95InMs": point.p95_ms,
            }
            for point in found.points
        ],
        "notCountedYet": found.behind,
    }


def _words(by_state: dict[int, int]) -> dict[str, Any]:
    counts = {state.word: by_state.get(int(state), 0) for state in State}
    return counts | {"replayed": by_state.get(REPLAYED, 0)}


def _answers(counted: port.Tally) -> list[dict[str, Any]]:
    """List the answers by status, the most frequent first, null where none came: to how many
    attempts, and to the last one of how many deliveries."""
    last = counted.last_answers
    return [
        {"status": status or None, "attempts": count, "deliveries": last.get(status, 0)}
        for status, count in answers_by_count(counted.answers)
    ]


def answers_by_count(counts: Mapping[int, int]) -> list[tuple[int, int]]:
    """List the answers of a tally, status and count, the most frequent first."""
    return sorted(counts.items(), key=lambda answer: (-answer[1], answer[0]))

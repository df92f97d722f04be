"""The overview: how it goes now, what needs somebody, and how it went."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.console.pages.charts import charts, spans
from tidings.console.pages.charts.drawing import draw_all
from tidings.console.pages.sources.sources import summary
from tidings.console.pages.webhooks.summary import DAY_MS, WebhookSummary, troubles
from tidings.console.service_notices import notices_for
from tidings.console.visit import Visit
from tidings.core.delivery.receivers.judgement import Condition
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.engine.webhooks.judgements import COUNTED
from tidings.engine.webhooks.records import WebhookState
from tidings.reads.events.log_pages import oldest_first
from tidings.reads.sources import needs_somebody
from tidings.reads.webhooks.backlog import (
    UNFINISHED,
    UNSENT,
    arrivals_of,
    attempts_of,
    backlogs_now,
)
from tidings.store import port

EXAMPLE = (
    '{"eventName": "pointsIssued", "data": {"customerIdentifiers": {"customerId": 100}, '
    '"totalPointsIssued": 86}}'
)
ATTENTION_MAX = 20
REJECTIONS_MAX = 20


class CurrentState(msgspec.Struct, frozen=True):
    """The state at this moment, whatever the span."""

    webhooks: int  # that are not deleted
    attention: Sequence[WebhookSummary]
    left_out: int  # further ones that need somebody
    waiting: int
    parked: int
    oldest_ms: int | None  # when the oldest that waits was accepted
    rejected: Sequence[port.Rejection]  # of the last 24 hours
    sources: Sequence[dict[str, Any]]  # that need somebody, as their pages show them
    problems: Sequence[str]  # of the service as a whole
    notices: Sequence[str]


async def show(visit: Visit) -> Response:
    """Show the overview; while the org has sent nothing yet, what to do first."""
    if not visit.may("logs:read"):
        if visit.may("webhooks:read"):
            return visit.go("/webhooks")
        return visit.go("/catalogue")
    services, org = visit.services, visit.caller.org
    records = [record for record in services.webhooks.list(org) if _alive(record)]
    if await _untouched(visit):
        if visit.request.query_params.get("part") == "first":
            return Response(status_code=204)
        return visit.page(
            "first_event.html",
            webhooks=len(records),
            ready=next((record for record in records if _takes_samples(record)), None),
            origin=visit.services.reached_at(visit.request),
            example=EXAMPLE,
        )
    if visit.request.query_params.get("part") == "first":
        return visit.go("", "Your first event has arrived.")
    if visit.request.query_params.get("part") == "now":
        return visit.page("parts/now.html", now=await _now(visit, records))
    now_ms = services.clock.now_ms()
    span = visit.request.query_params.get("span", "")
    if span not in spans.SPANS:
        span = await _fitting_span(visit, now_ms)
    length_ms, points, words = spans.SPANS[span]
    dead_ones = [record.webhook.number for record in records if _left_alone(visit, record)]
    now, (series, late), events, dead = await asyncio.gather(
        _now(visit, records),
        _past(visit, records, now_ms - length_ms, now_ms, points),
        services.store.event_series(org, now_ms - length_ms, now_ms, points),
        _unsent(visit, dead_ones, now_ms - length_ms, now_ms, points),
    )
    list_path = f"{visit.place.base}/deliveries?"
    return visit.page(
        "overview.html",
        now=now,
        span=span,
        all_spans=spans.SPANS,
        words=words,
        series=series,
        events=sum(events.counts),
        delivered=charts.total(series, State.DELIVERED),
        attempts=attempts_of(
            series.points, [point for dead_series in dead for point in dead_series.points]
        ),
        arrivals=arrivals_of(series.points),
        total=charts.total(series),
        late=late,
        behind=series.behind or events.behind,
        charts=draw_all(
            [
                charts.events(events, f"{visit.place.base}/events?"),
                charts.deliveries(series, list_path),
                charts.latency(series, list_path),
                charts.error_rate(series, dead, list_path),
            ],
            visit.zone,
        ),
    )


async def _fitting_span(visit: Visit, now_ms: int) -> str:
    """Choose the span that fits what the org has sent and got in the last day."""
    store, org, from_ms = visit.services.store, visit.caller.org, now_ms - DAY_MS
    series, events = await asyncio.gather(
        store.org_series(org, from_ms, now_ms, spans.LOOKED_AT),
        store.event_series(org, from_ms, now_ms, spans.LOOKED_AT),
    )
    return spans.shortest(spans.first_moment([series], [events]), now_ms)


async def _untouched(visit: Visit) -> bool:
    """Return whether the org has sent nothing at all so far, not even something that was
    refused."""
    services, org = visit.services, visit.caller.org
    page = await services.store.log_events(port.EventQuery(org, limit=1))
    if page.events or page.older is not None:
        return False
    numbers = [record.webhook.number for record in services.webhooks.list(org)]
    heard = await services.store.log_deliveries(port.DeliveryQuery(numbers, limit=1))
    if heard.deliveries or heard.older is not None:
        return False
    refused = await services.store.log_rejections(org, None, None, 1)
    return not refused.rejections


async def _now(visit: Visit, records: Sequence[WebhookState]) -> CurrentState:
    services, org = visit.services, visit.caller.org
    now_ms = services.clock.now_ms()
    numbers = [record.webhook.number for record in records]
    lefts, refused = await asyncio.gather(
        backlogs_now(services.store, services.clock, numbers),
        services.store.log_rejections(org, None, None, REJECTIONS_MAX),
    )
    waiting = sum(left.waiting for left in lefts)
    parked = sum(left.parked for left in lefts)
    oldest = None
    if waiting:
        query = port.DeliveryQuery(numbers, UNFINISHED)
        found = await oldest_first(services.store, [query], 0, 1)
        oldest = found.rows[0].accepted_ms if found.rows else None
    wanting = [pair for pair in zip(records, lefts, strict=True) if _wants(visit, pair[0])]
    shown = wanting[:ATTENTION_MAX]
    summaries = await troubles(
        services, [record for record, _ in shown], [left for _, left in shown]
    )
    return CurrentState(
        webhooks=len(records),
        attention=[
            summary
            for summary in summaries
            if summary.word != Condition.PAUSED or summary.waiting or summary.also
        ],
        left_out=max(0, len(wanting) - ATTENTION_MAX),
        waiting=waiting,
        parked=parked,
        oldest_ms=oldest,
        rejected=[
            rejection for rejection in refused.rejections if rejection.at_ms >= now_ms - DAY_MS
        ],
        sources=_sources(visit, now_ms),
        problems=services.web.health.problems(),
        notices=notices_for(visit),
    )


def _sources(visit: Visit, now_ms: int) -> list[dict[str, Any]]:
    if not visit.may("sources:read"):
        return []
    ours = visit.services.sources.sources.of(visit.caller.org)
    return [summary(visit, webhook) for webhook in ours if needs_somebody(webhook, now_ms)]


async def _past(
    visit: Visit, records: Sequence[WebhookState], from_ms: int, to_ms: int, points: int
) -> tuple[port.Series, int | None]:
    """The deliveries of a time, and how many of them were later than their webhook wishes; None
    where no webhook wishes anything. Both are of the time that the charts show."""
    store = visit.services.store
    series = await store.org_series(visit.caller.org, from_ms, to_ms, points)
    wishes = [
        (record.webhook.number, record.webhook.sla_s) for record in records if record.webhook.sla_s
    ]
    if not wishes:
        return series, None
    return series, sum(await store.late_each(wishes, series.points[0].start_ms, to_ms + 1))


async def _unsent(
    visit: Visit, dead_ones: Sequence[int], from_ms: int, to_ms: int, points: int
) -> Sequence[port.Series]:
    """One series of all webhooks that are left alone, where something waits unsent for them: only
    that is looked at, and what there is of it can be told for less than a series costs."""
    store = visit.services.store
    counts = await store.count_states(dead_ones, from_ms, to_ms, UNSENT)
    waiting = [
        dead_webhook
        for dead_webhook, of_one in zip(dead_ones, counts, strict=True)
        if any(of_one.values())
    ]
    return await store.series([waiting], from_ms, to_ms, points) if waiting else ()


def _takes_samples(record: WebhookState) -> bool:
    return record.webhook.matches and not record.webhook.type.acts


def _alive(record: WebhookState) -> bool:
    return record.webhook.status is not WebhookStatus.DELETED


def _left_alone(visit: Visit, record: WebhookState) -> bool:
    """Return whether what it is to get waits behind an open breaker."""
    return visit.services.delivery.judgements.of(record.webhook).left_alone


def _wants(visit: Visit, record: WebhookState) -> bool:
    """Return whether a webhook may need somebody: it fails, or somebody must let it go on."""
    wanting = (*COUNTED, Condition.DISABLED, Condition.PAUSED)
    return visit.services.delivery.judgements.of(record.webhook).condition in wanting

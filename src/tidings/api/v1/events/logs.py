"""`GET /v1/events` and `GET /v1/deliveries`: pages of what happened, by filters that combine; and
`GET /v1/events/{eventId}`: one event as it was accepted, and its fate at every webhook.

A page may hold fewer rows than asked for, and even none, while `older` leads on: what one call may
examine is bounded, so that no filter costs more than another.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, iso
from tidings.api.models import V1_ERRORS
from tidings.api.not_there import not_there
from tidings.api.v1.events.log_models import DELIVERY_PARAMETERS, EVENT_PARAMETERS
from tidings.core.form import came
from tidings.engine.webhooks.records import Record
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.reads.delivery.next_attempts import show_row
from tidings.reads.events.log_pages import ROUNDS_MAX, heads_of, newest_first, oldest_first
from tidings.reads.events.log_query import (
    DELIVERY_FILTERS,
    EVENT_FILTERS,
    LogQuestion,
    cursors,
    read_question,
)
from tidings.reads.events.org_scope import org_scope_of
from tidings.store.port import (
    DeliveryPage,
    DeliveryQuery,
    EventHead,
    EventPage,
    EventQuery,
    StoredEvent,
)


def log_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", responses=V1_ERRORS)

    @router.get(
        "/deliveries",
        summary="Deliveries, newest first",
        tags=["deliveries"],
        openapi_extra=DELIVERY_PARAMETERS,
    )
    async def deliveries(request: Request) -> Response:
        """Of the org's webhooks. `older` and `newer` are cursors to both sides of the page."""
        org = services.caller(request, "logs:read").org
        question = read_question(request.query_params, DELIVERY_FILTERS, services.zone(org))
        records = webhooks_of(services, org, question.webhook_ids)
        page = await delivery_page(services, org, question, records)
        rows = [show_row(services, row, records[row.webhook]) for row in page.deliveries]
        return answer({"deliveries": rows} | cursors(page.older, page.newer))

    @router.get(
        "/events",
        summary="Events, newest first",
        tags=["events"],
        openapi_extra=EVENT_PARAMETERS,
    )
    async def events(request: Request) -> Response:
        """Of the org, without their bodies; `refId` and `requestId` are null where the event has
        none, or its bytes have expired. `matched=false`: those that no webhook wanted.
        `webHookId` and `status`: those of which one delivery, by itself or of a replay, fits both.
        """
        org = services.caller(request, "logs:read").org
        question = read_question(request.query_params, EVENT_FILTERS, services.zone(org))
        page = await event_page(services, org, question)
        heads = await heads_of(services.store, (event.seq for event in page.events))
        rows = [show_event_row(event, heads.get(event.seq)) for event in page.events]
        return answer({"events": rows} | cursors(page.older, page.newer))

    return router


def show_event_facts(event: StoredEvent, head: EventHead | None) -> dict[str, Any]:
    """What is told of an event wherever it is shown."""
    return {
        "eventId": event.id,
        "eventName": event.name,
        "orgId": event.org,
        "acceptedAt": iso(event.at_ms),
        "warning": event.warning,
        "refId": None if head is None else head.ref_id,
        "requestId": None if head is None else head.request_id,
    }


def show_event_row(event: StoredEvent, head: EventHead | None) -> dict[str, Any]:
    """An event without its body."""
    return show_event_facts(event, head) | {"deliveries": event.deliveries}


async def event_page(services: Services, org: int, question: LogQuestion) -> EventPage:
    """A page of the org's events; by what became of them at its own webhooks alone."""
    fates: Sequence[int] = ()
    if question.webhook_ids or question.states:
        fates = list(webhooks_of(services, org, question.webhook_ids))
        if not fates:
            return EventPage([])
    listed = await _seqs(services, (org,), question.event_id)
    if listed is not None and not listed:
        return EventPage([])
    return await services.store.log_events(
        EventQuery(
            org,
            services.event_types.spelled(org, question.event_names),
            question.from_ms,
            question.to_ms,
            [services.terms.asked(org, value) for value in question.values],
            question.matched,
            question.before,
            question.after,
            question.limit,
            listed or (),
            fates,
            question.states,
        )
    )


async def delivery_page(
    services: Services,
    org: int,
    question: LogQuestion,
    records: Mapping[int, Record],
    rounds: int = 0,
) -> DeliveryPage:
    """A page of the deliveries of some webhooks, by number. With `rounds` a page that comes back
    nearly empty is filled by so many further questions, at most."""
    webhooks = [record.webhook for record in records.values()]
    orgs: Sequence[int] = (org,)
    if question.values or question.event_id is not None:
        orgs = org_scope_of(services, org, webhooks).orgs
    listed = await _seqs(services, orgs, question.event_id)
    if not records or (listed is not None and not listed):
        return DeliveryPage([])

    def query(terms: list[bytes]) -> DeliveryQuery:
        return DeliveryQuery(
            list(records),
            question.states,
            services.event_types.spelled(org, question.event_names),
            question.from_ms,
            question.to_ms,
            terms,
            question.before,
            question.after,
            question.limit,
            listed or (),
        )

    terms = services.terms.asked
    asked = [query([terms(one, value) for value in question.values]) for one in orgs]
    alone = len(asked) == 1 or not question.values
    if alone and (not rounds or question.after is not None):
        return await services.store.log_deliveries(asked[0])
    asked = asked[:1] if alone else asked
    # An event's terms are keyed by its own org: each org below is asked for.
    if question.after is None:
        rows = await newest_first(
            services.store, asked, question.before, question.limit, rounds or ROUNDS_MAX
        )
        newer = rows.rows[0].id if rows.rows else question.before and question.before - 1
        return DeliveryPage(rows.rows, rows.on, newer)
    rows = await oldest_first(services.store, asked, question.after, question.limit)
    newest = rows.rows[-1].id if rows.rows else question.after
    older = rows.rows[0].id if rows.rows else question.after + 1
    return DeliveryPage(list(rows.rows)[::-1], older, rows.on or newest)


async def _seqs(services: Services, orgs: Sequence[int], event_id: str | None) -> list[int] | None:
    """The events of an id; None where no id was asked for."""
    if event_id is None:
        return None
    found = [await services.store.event(org, event_id) for org in orgs]
    return [event.seq for event in found if event is not None]


def webhooks_of(services: Services, org: int, ids: Sequence[str]) -> dict[int, Record]:
    """The org's webhooks, deleted ones too, by number; or those that are named."""
    if not ids:
        return {record.webhook.number: record for record in services.webhooks.list(org)}
    records = {}
    for webhook_id in ids:
        try:
            record = services.webhooks.get(org, webhook_id)
        except UnknownWebhook:
            raise refused(
                400,
                "unknown_webhook",
                f"webHookId must be the id of a webhook of this org; got {came(webhook_id)}. GET "
                "/v3/webHooks lists them. (unknown_webhook, field webHookId)",
                "webHookId",
            ) from None
        records[record.webhook.number] = record
    return records


def event_routes(services: Services) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(prefix="/v1", tags=["events"], responses=V1_ERRORS)
    store, webhooks = services.store, services.webhooks

    @router.get("/events/{event_id}", summary="An event and its fate")
    async def event(request: Request, event_id: str) -> Response:
        """The event as it was accepted, and its delivery to every webhook of the org."""
        org = services.caller(request, "logs:read").org
        found = await store.event(org, event_id)
        if found is None or found.org != org:
            raise not_there("eventId", "the id of an event of this org", event_id)
        heads = await heads_of(services.store, [found.seq])
        deliveries = []
        for delivery in await store.deliveries_of(found.seq):
            record = webhooks.by_number(delivery.webhook)
            if record is not None and record.org == org:
                deliveries.append(show_row(services, delivery, record))
        return answer(
            show_event_facts(found, heads.get(found.seq))
            | {
                "body": None if found.body is None else msgspec.Raw(found.body),
                "deliveries": deliveries,
            }
        )

    return router

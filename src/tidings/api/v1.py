"""`/v1`: what became of an event and of a delivery, refused events, and totals.

A delivery is its webhook's owner's to see: with `listenToChildEvents` that is another org than the
event's. What belongs to another org answers exactly like what does not exist.
"""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, refused
from tidings.api.context import Services, iso
from tidings.api.delivery_view import (
    advice_for,
    all_attempts,
    show_attempts,
    show_bytes,
    show_delivery,
)
from tidings.api.models import V1_ERRORS
from tidings.core.delivery import State
from tidings.core.ids import read
from tidings.engine.webhook_records import Record
from tidings.store.port import Rejection, StoredEvent

REJECTIONS_MAX = 1000


def proof_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", responses=V1_ERRORS)
    store, webhooks = services.store, services.webhooks

    def own(org: int, number: int) -> Record | None:
        record = webhooks.by_number(number)
        return record if record is not None and record.org == org else None

    @router.get("/events/{event_id}", summary="An event and its fate", tags=["events"])
    async def event(request: Request, event_id: str) -> Response:
        """The event as it was accepted, and its delivery to every webhook of the org."""
        org = services.caller(request, "logs:read").org
        found = await store.event(org, event_id)
        if found is None or found.org != org:
            raise _unknown("eventId", "the id of an event of this org", event_id)
        deliveries = []
        for delivery in await store.deliveries_of(found.seq):
            if (webhook := own(org, delivery.webhook)) is not None:
                deliveries.append(show_delivery(delivery, webhook))
        return answer(_show_event(found) | {"deliveries": deliveries})

    @router.get("/deliveries/count", summary="Deliveries by state", tags=["deliveries"])
    async def count(request: Request) -> Response:
        """Totals of all orgs, for the platform's own credential."""
        services.platform(request, "logs:read")
        counts = await store.counts()
        by_state = {state.word: counts.by_state.get(state, 0) for state in State}
        return answer(
            {"events": counts.events}
            | by_state
            | {"orphans": counts.orphans, "indexLag": counts.index_lag}
        )

    @router.get("/deliveries/{delivery_id}", summary="A delivery", tags=["deliveries"])
    async def delivery(request: Request, delivery_id: str) -> Response:
        """Its state, every attempt, when the next one is due, and what to do."""
        org = services.caller(request, "logs:read").org
        number = read("dlv", delivery_id)
        found = None if number is None else await store.delivery(number)
        webhook = None if found is None else own(org, found.webhook)
        if found is None or webhook is None:
            raise _unknown("id", "the id of a delivery of this org, as dlv_…", delivery_id)
        attempts = all_attempts(found, await store.attempts_of(found.id))
        now_ms = services.clock.now_ms()
        return answer(
            show_delivery(found, webhook)
            | {
                "advice": advice_for(found, attempts, webhook, now_ms, services.zone(org)),
                "attemptList": show_attempts(attempts),
            }
        )

    @router.get("/rejections", summary="Events that were refused", tags=["events"])
    async def rejections(
        request: Request, limit: Annotated[int, Query(ge=1, le=REJECTIONS_MAX)] = 100
    ) -> Response:
        """The newest first, with the bytes that came and what was wrong with them."""
        org = services.caller(request, "logs:read").org
        found = await store.rejections(org, limit)
        return answer({"rejections": [_show_rejection(one) for one in found]})

    return router


def _show_event(event: StoredEvent) -> dict[str, Any]:
    return {
        "eventId": event.id,
        "eventName": event.name,
        "orgId": event.org,
        "acceptedAt": iso(event.at_ms),
        "warning": event.warning,
        "body": None if event.body is None else msgspec.Raw(event.body),
    }


def _show_rejection(rejection: Rejection) -> dict[str, Any]:
    return {
        "id": rejection.id,
        "rejectedAt": iso(rejection.at_ms),
        "eventName": rejection.name,
        "eventId": rejection.event_id,
        "error": {
            "code": rejection.code,
            "message": rejection.message,
            "path": rejection.path,
        },
        "body": show_bytes(rejection.body),
    }


def _unknown(field: str, must: str, got: str) -> Refused:
    shown = got if len(got) <= 40 else got[:40] + "…"
    return refused(
        404,
        "not_found",
        f'{field} must be {must}; got "{shown}", which is not there. Check the id and the '
        f"credential's org. (not_found, field {field})",
        field,
    )

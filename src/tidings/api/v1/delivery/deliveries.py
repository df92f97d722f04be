"""`/v1/deliveries/{id}`: one delivery with every attempt, and another try of it."""

from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, refused
from tidings.api.context import Services, iso
from tidings.api.models import V1_ERRORS
from tidings.api.not_there import not_there
from tidings.core.delivery.advice import comes
from tidings.core.delivery.next_attempt import BARRED
from tidings.core.delivery.standing import Standing
from tidings.core.delivery.states import State
from tidings.core.ids import read
from tidings.core.webhooks.webhook import HTTP
from tidings.engine.webhooks.records import Record
from tidings.reads.delivery.delivery_view import (
    advice_for,
    all_attempts,
    show_attempts,
    show_delivery,
    sla_of,
)
from tidings.reads.delivery.next_attempts import Seen, look, see, with_first
from tidings.reads.delivery.request_view import requests_of
from tidings.store.port import Asked, StoredDelivery

# What asking for a try has come to, where nothing comes of it: code and sentence.
_NOTHING = {
    "waiting": (
        "waiting_already",
        "A delivery must have ended, or wait for the time of its next attempt; this one goes as "
        "soon as it can.",
    ),
    "under_way": (
        "under_way",
        "A delivery must not be tried twice at once; an attempt of this one is under way. Look at "
        "it again in a moment.",
    ),
    "delivered": (
        "delivered",
        "A delivery must not have arrived yet; this one was delivered. To send it once more, "
        "replay it with again: true.",
    ),
    "no_payload": (
        "no_payload",
        "The event's bytes must still be kept; they were dropped after their retention. Let its "
        "sender send the event again.",
    ),
}

_AFTER = {"due": State.RETRYING, "next": State.HELD, "under_way": State.RETRYING}


def delivery_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", tags=["deliveries"], responses=V1_ERRORS)
    store = services.store

    @router.get("/deliveries/count", summary="Deliveries by state")
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

    @router.get("/deliveries/{delivery_id}", summary="A delivery")
    async def delivery(request: Request, delivery_id: str) -> Response:
        """Its state, every attempt as it was sent and answered, the next one, and what to do."""
        org = services.caller(request, "logs:read").org
        found, record = await own_delivery(services, org, delivery_id)
        return answer(await show_whole(services, org, found, record))

    @router.post("/deliveries/{delivery_id}/retry", summary="Try a delivery now", status_code=202)
    async def retry(request: Request, delivery_id: str) -> Response:
        """In its lane and order. If it fails, the automatic attempts go on as they were due."""
        org = services.caller(request, "replay:write").org
        tried = await try_now(services, org, delivery_id)
        body: dict[str, Any] = {
            "id": delivery_id,
            "outcome": tried.outcome,
            "nextAttemptAt": iso(tried.next_ms),
            "advice": tried.said,
        }
        return answer(body, 202)

    return router


async def own_delivery(
    services: Services, org: int, delivery_id: str
) -> tuple[StoredDelivery, Record]:
    """A delivery of a webhook of the org. 404 for anything else."""
    number = read("dlv", delivery_id)
    found = None if number is None else await services.store.delivery(number)
    record = None if found is None else services.webhooks.by_number(found.webhook)
    if found is None or record is None or record.org != org:
        raise not_there("id", "the id of a delivery of this org, as dlv_…", delivery_id)
    return found, record


class Tried(msgspec.Struct, frozen=True):
    """What asking for a try has done: "due" or "next", when it is made, and both in words."""

    outcome: str
    next_ms: int | None
    said: str


async def try_now(services: Services, org: int, delivery_id: str) -> Tried:
    """Make a delivery due now. Refused where it cannot be."""
    found, record = await own_delivery(services, org, delivery_id)
    _must_send(record)
    asked = await services.manual_retries.ask(found.id, found.webhook)
    if (state := _AFTER.get(asked.outcome)) is not None:
        found = msgspec.structs.replace(found, state=state, due_ms=asked.due_ms)
    seen = await with_first(services, see(services, found, record))
    waits = comes(
        State(found.state),
        due_ms=found.due_ms,
        now_ms=services.clock.now_ms(),
        zone=services.zone(org),
        standing=record.webhook.standing,
        next_attempt=seen.next_attempt,
    )
    match asked.outcome:
        case "next":
            return Tried("next", None, f"It goes next of its ordering key. {waits}")
        case "due":
            due = "It is due. " if seen.next_attempt.why in BARRED else ""
            return Tried("due", seen.next_ms, f"{due}{waits} {_if_it_fails(asked)}")
        case _:
            raise _nothing(asked, delivery_id, seen, waits)


async def show_whole(
    services: Services, org: int, found: StoredDelivery, record: Record
) -> dict[str, Any]:
    """A delivery with every attempt as it was sent and answered, and what to do."""
    seen, kept = await look(services, found, record)
    found = seen.row
    attempts = all_attempts(found, kept, seen.next_attempt.begun)
    now_ms = services.clock.now_ms()
    shown = show_attempts(attempts)
    for attempt, sent in zip(shown, await requests_of(services, found, attempts), strict=True):
        attempt["request"] = sent
    return (
        show_delivery(found, record, seen.next_ms)
        | sla_of(found, record, now_ms)
        | {
            "advice": advice_for(
                found, attempts, record, now_ms, services.zone(org), seen.next_attempt
            ),
            "attemptList": shown,
        }
    )


def _must_send(record: Record) -> None:
    standing = record.webhook.standing
    if not record.webhook.dials:
        said = f"The webhook must be of the type {HTTP}; {record.webhook.kind} makes no call. Set "
        said += "webHookType to HTTP, then try again."
    elif standing in (Standing.ACTIVE, Standing.PAUSED):
        return
    else:
        said = f"The webhook must be active; it is {standing.value}. Set it active, then try again."
    raise refused(409, "webhook_does_not_send", f"{said} (webhook_does_not_send, -)")


def _nothing(asked: Asked, delivery_id: str, seen: Seen, waits: str) -> Refused:
    if asked.outcome == "unknown":
        return not_there("id", "the id of a delivery of this org, as dlv_…", delivery_id)
    outcome = asked.outcome
    if outcome in ("waiting", "under_way"):
        # A retry that was taken may wait in its lane as long as a first attempt.
        outcome = "under_way" if seen.next_attempt.begun else "waiting"
    code, sentence = _NOTHING[outcome]
    why = f" {waits}" if outcome == "waiting" else ""
    return refused(409, code, f"{sentence}{why} ({code}, -)")


def _if_it_fails(asked: Asked) -> str:
    if asked.promised_ms is not None:
        return "If it fails, the automatic attempt stays when it was due."
    return "After its retry window it has this one attempt."

"""One delivery: its way, every attempt with request and answer, its payload, and what to do."""

import shlex
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.console.json_view import Body, body_of
from tidings.console.pages.delivery.mail_frame import mail_answer
from tidings.console.visit import Visit
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.cloudevents import epoch_ms
from tidings.core.ids import show as show_id
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import NotFound, RequestRefused, not_found
from tidings.reads.columns import facts_of
from tidings.reads.delivery.deliveries import own_delivery, show_whole
from tidings.reads.delivery.mails import html_of_mail
from tidings.reads.delivery.next_attempts import see
from tidings.reads.delivery.retry import try_now
from tidings.reads.replay import ReplayCalls
from tidings.reads.webhooks.preview import BYTES_MAX, try_event
from tidings.store.port import StoredDelivery, StoredEvent

TABS = (("sent", "As sent"), ("enriched", "Enriched"), ("original", "Original"))
OF_ACTIONS = (TABS[0], TABS[2])
_EXPIRED = "The bytes were deleted after their retention time."
_RETRIABLE = (State.RETRYING, State.WAITING, State.FAILED, State.PARKED, State.CANCELLED)


class Payload(msgspec.Struct, frozen=True):
    """One form of the payload; `note` says what it is, or why it is not there."""

    body: Body | None
    note: str


async def show(visit: Visit) -> Response:
    """Show the delivery. Asked with `seen` for a part, answer only whether anything has changed
    since."""
    found, record = await _own(visit)
    seen = visit.request.query_params.get("seen")
    if seen is not None and visit.partial:
        moved = seen != see(visit.services, found, record).mark
        return Response(status_code=204, headers={"hx-refresh": "true"} if moved else {})
    return await _page(visit, found, record)


async def retry(visit: Visit) -> Response:
    """Make it due now."""
    return await _done(visit, _try(visit))


async def cancel(visit: Visit) -> Response:
    """Send it no more."""
    return await _done(visit, _cancel(visit))


async def show_mail(visit: Visit) -> Response:
    """Show the HTML of the mail that a delivery has made, as its reader sees it. Raise NotFound
    where there is none."""
    found, record = await _own(visit)
    html = await html_of_mail(visit.services.store, found, record.webhook)
    if html is None:
        raise not_found("id", "the id of a delivery that has made a mail with HTML", _id(visit))
    visit.view_payload("delivery", _id(visit))
    return mail_answer(visit, html)


async def _try(visit: Visit) -> str:
    return (await try_now(visit.services, visit.caller.org, _id(visit))).said


async def _cancel(visit: Visit) -> str:
    await ReplayCalls(visit.services).cancel(visit.caller, _id(visit))
    return "It is cancelled: it is not sent any more, and deliveries behind it continue."


async def _own(visit: Visit) -> tuple[StoredDelivery, WebhookState]:
    store, webhooks = visit.services.store, visit.services.webhooks
    return await own_delivery(store, webhooks, visit.caller.org, _id(visit))


async def _done(visit: Visit, doing: Any) -> Response:
    """Back to the page with what was done; where it was refused, the page says why."""
    try:
        message = await doing
    except NotFound:
        raise
    except RequestRefused as refused:
        found, record = await _own(visit)
        return await _page(visit, found, record, status_of(refused), refused.refusals[0].message)
    return visit.go(f"/deliveries/{_id(visit)}", message)


async def _page(
    visit: Visit, found: StoredDelivery, record: WebhookState, status: int = 200, trouble: str = ""
) -> Response:
    services, query = visit.services, visit.request.query_params
    seen = see(services, found, record)
    shown = await show_whole(services, visit.caller.org, found, record)
    event = await services.store.event(found.org, found.event_id)
    attempts: list[dict[str, Any]] = shown["attemptList"]
    for attempt in attempts:
        attempt["startedMs"] = epoch_ms(attempt["startedAt"])
    wanted = query.get("attempt", "")
    chosen = next((attempt for attempt in attempts if str(attempt["number"]) == wanted), None)
    chosen = chosen or (attempts[-1] if attempts else None)
    used = await services.webhooks.version(found.webhook, found.version)
    webhook = (
        record.webhook if used is None else services.webhooks.as_it_was(*used, found.accepted_ms)
    )
    tab = query.get("body", "sent")
    tabs = OF_ACTIONS if webhook.type.acts else TABS
    tab = tab if tab in dict(tabs) and not webhook.plain else "sent"
    state = State(found.state)
    request = None if chosen is None else chosen["request"]
    answer = None if chosen is None else chosen["answer"]
    visit.view_payload("delivery", _id(visit))
    return visit.page(
        "delivery.html",
        status,
        run=_run(shown.get("run")),
        trouble=trouble,
        id=_id(visit),
        found=found,
        record=record,
        used=webhook,
        facts=facts_of(shown),
        shown=shown,
        state=state,
        event=event,
        attempts=attempts,
        chosen=chosen,
        request=request,
        curl=None if request is None else curl_of(request),
        answer=answer,
        answer_body=_answered(answer),
        tab=tab,
        tabs=tabs,
        payload=await _payload(visit, tab, webhook, event, request),
        mark=seen.mark,
        next_ms=seen.next_ms,
        waits_for=shown["waitsFor"],
        replay=None if found.replay is None else show_id("rpl", found.replay),
        retriable=state in _RETRIABLE
        and record.webhook.status in (WebhookStatus.ACTIVE, WebhookStatus.PAUSED),
        left_alone=not state.final and _left_alone(visit, record),
        has_letter=not record.webhook.type.acts
        and await html_of_mail(services.store, found, record.webhook) is not None,
        own_event=found.org == visit.caller.org,
    )


def _run(run: dict[str, Any] | None) -> dict[str, Any] | None:
    """A run of an action, its steps with what the page draws by."""
    if run is None:
        return None
    for step in run["steps"]:
        step["startedMs"] = None if step["at"] is None else epoch_ms(step["at"])
    return run


def _left_alone(visit: Visit, record: WebhookState) -> bool:
    """Return whether the webhook fails so that its deliveries wait in turn."""
    return visit.services.delivery.judgements.of(record.webhook).left_alone


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


def _answered(answer: dict[str, Any] | None) -> Body | None:
    """The body of an answer; whatever a stranger's server has sent."""
    if answer is None or answer["body"] is None:
        return None
    text = answer["body"]["text"]
    return (
        Body([], answer["body"]["bytes"], False, kind="binary")
        if text is None
        else body_of(text.encode())
    )


async def _payload(
    visit: Visit,
    tab: str,
    webhook: Webhook,
    event: StoredEvent | None,
    request: dict[str, Any] | None,
) -> Payload:
    accepted = None if event is None else event.body
    if tab == "original":
        if accepted is None:
            return Payload(None, _EXPIRED)
        return Payload(
            body_of(accepted), "The accepted bytes, which every webhook of the org starts from."
        )
    if tab == "sent" and request is not None:
        body = request["body"]
        if body is None:
            return Payload(None, request["note"] or _EXPIRED)
        if body["text"] is None:
            return Payload(Body([], body["bytes"], False, kind="binary"), "")
        return Payload(body_of(body["text"].encode()), request["note"] or "")
    if webhook.type.acts:
        return Payload(None, "Nothing was created from the event.")
    if event is None or accepted is None:
        return Payload(None, _EXPIRED)
    note = "Nothing was sent yet. This would be sent now."
    if tab == "enriched":
        webhook = msgspec.structs.replace(
            webhook, shape=None, transformation=None, must_transform=False
        )
        note = "The event after enrichment, before fields are chosen and it is transformed."
    # It did subscribe; what it wants today may differ.
    kind = visit.services.events.types.event_type_of(
        event.org, msgspec.json.decode(event.body or b"{}")
    )
    webhook = msgspec.structs.replace(
        webhook,
        filter=None,
        event_names=webhook.event_names | {event.name},
        event_versions=() if kind is None else ((kind.name, kind.version),),
    )
    row = await try_event(visit.services, webhook, event, BYTES_MAX)
    if row["body"] is None or row["body"]["text"] is None:
        return Payload(None, row["why"] or "It is not text.")
    return Payload(body_of(row["body"]["text"].encode()), note)


def curl_of(request: dict[str, Any]) -> str | None:
    """Write a request as a command line, to be tried by hand; None where its bytes are no text, and
    for what is no call.

    What stands in it was masked before: a secret is never put into a clipboard.
    """
    body = request["body"]
    if body is None or body["text"] is None or not str(request["url"]).startswith("http"):
        return None
    parts = ["curl", "-X", str(request["method"]), shlex.quote(str(request["url"]))]
    for header in request["headers"]:
        parts += ["\\\n  -H", shlex.quote(f"{header['name']}: {header['value']}")]
    parts += ["\\\n  --data-binary", shlex.quote(_plain(str(body["text"])))]
    return " ".join(parts)


def _plain(text: str) -> str:
    """curl reads a file where the data begins with an @; JSON does not mind a blank before it."""
    return f" {text}" if text.startswith("@") else text

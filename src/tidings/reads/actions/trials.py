"""What an action would make of one event; and the event that it is tried with.

Nothing is kept and nothing is done, but look-ups are really asked, within the budget of test
messages. Needs, waits, quiet hours and caps are as if they were over.
"""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from tidings.core.actions.action import Action
from tidings.core.actions.rendered_act import RunStep, made_in
from tidings.core.ids import OrgId
from tidings.core.shaping.filters.compiler import explain
from tidings.core.webhooks.name_matching import is_prefix, stored_name_of_type
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.shaping.faults import ShapeLater, ShapeNeedless, ShapeRefused
from tidings.reads.actions.definition import describe_cap, list_waits
from tidings.reads.delivery.runs import look_ups, show_made
from tidings.reads.messages import show_bytes, show_headers
from tidings.reads.webhooks.preview import newest, preview_bytes
from tidings.reads.webhooks.trials import TrialParts, sent, show_tested, test_message
from tidings.store import port

LOOKED_MAX = 20  # newest runs, and newest events, among which one is chosen
NEWEST, EXAMPLE = "newest", "example "
"""What an event may be chosen by, beside its id: `example customerAdded`."""
DOES, NOT_DONE, FAILS, HELD_UP = "does", "notDone", "fails", "heldUp"


class TrialStore(port.EventStore, port.DeliveryStore, Protocol):
    """The store of events, and of what became of them."""


class ActionTrialParts(TrialParts, Protocol):
    """Services that try an action."""

    @property
    def store(self) -> TrialStore:
        """Return the store of events."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: sending, and what it waits for."""


class TrialEvent(NamedTuple):
    """The event that an action is tried with."""

    id: str
    name: str
    body: bytes
    at_ms: int | None  # None: it is an example


async def trial_event(
    parts: ActionTrialParts, org: OrgId, webhook: Webhook, wanted: str
) -> TrialEvent | None:
    """Return the event that is wanted: `NEWEST`, an example, or one by its id; None where there is
    none whose bytes are kept. Raise Invalid for a type without an example."""
    if wanted.startswith(EXAMPLE):
        name = wanted.removeprefix(EXAMPLE)
        id, body = test_message(parts, org, webhook, {"eventName": name})
        return TrialEvent(id, str(msgspec.json.decode(body)["eventName"]), body, at_ms=None)
    if wanted != NEWEST:
        found = await parts.store.event(org, wanted)
        return None if found is None else _stored(found)
    runs = await parts.store.log_deliveries(port.DeliveryQuery((webhook.number,), limit=LOOKED_MAX))
    for run in runs.deliveries:  # of events that its filter took
        found = await parts.store.event(org, run.event_id)
        if found is not None and found.body is not None:
            return _stored(found)
    first = None
    async for event in newest(parts.store, org, sorted(webhook.event_names), LOOKED_MAX):
        chosen = _stored(event)
        if chosen is not None and passed_by(webhook, chosen) is None:
            return chosen
        first = first or chosen
    return first


def example_names(parts: ActionTrialParts, org: OrgId, webhook: Webhook) -> list[str]:
    """List the types of an action that have an example."""
    found = []
    for name in sorted(webhook.event_names):
        kind = None if is_prefix(name) else parts.events.types.get(org, name, 1)
        if kind is not None and kind.examples:
            found.append(name)
    return found


def _stored(found: port.StoredEvent) -> TrialEvent | None:
    if found.body is None:
        return None
    return TrialEvent(found.id, found.name, found.body, at_ms=found.at_ms)


async def try_out(
    parts: ActionTrialParts, org: OrgId, webhook: Webhook, action: Action, event: TrialEvent
) -> dict[str, Any]:
    """Try the action on the event: its look-ups, why not, the very act. Secrets are masked; what it
    says of customers is for who may read events. TooSoon."""
    capped = describe_cap(action)
    waits = [*list_waits(action), *([] if capped is None else [capped])]
    if (why := passed_by(webhook, event)) is not None:
        return _shown(NOT_DONE, why, (), waits)
    try:
        async with parts.web.answer_memory.holding(org, preview_bytes(1)):
            body = await parts.delivery.trial.rehearse(org, webhook, event.id, event.body)
    except ShapeNeedless as needless:
        return _shown(NOT_DONE, needless.reason, needless.steps, waits)
    except ShapeRefused as refused:
        return _shown(FAILS, refused.reason, refused.steps, waits)
    except ShapeLater as later:
        return _shown(HELD_UP, later.reason, later.steps, waits)
    made = made_in(body)
    assert made is not None
    shown = parts.delivery.destination.show(webhook, [("webhook-id", "test")], body, None)
    request = {
        "method": shown.method,
        "url": shown.url,
        "headers": show_headers(shown.headers),
        "body": show_bytes(shown.body),
    }
    return _shown(DOES, "", made.steps, waits) | {
        "language": made.language or None,
        "made": show_made(made, action),
        "request": request,
    }


async def do_as_test(
    parts: ActionTrialParts, org: OrgId, webhook: Webhook, event: TrialEvent
) -> dict[str, Any]:
    """Do what the action says, really, as a test message is sent, and show what came of it. It runs
    under an id of its own, for by that of the event the target could take the run of the event
    itself for a repeat. Raise TooSoon."""
    tested = await sent(parts, org, webhook, str(uuid.uuid4()), event.body, webhook)
    return show_tested(tested, webhook)


def passed_by(webhook: Webhook, event: TrialEvent) -> str | None:
    """Say why the action does not hear of the event at all; None where it does."""
    if not webhook.hears(stored_name_of_type(event.name)):
        return "The action is for events of other types."
    if webhook.filter is None:
        return None
    explanation = explain(webhook.filter, msgspec.json.decode(event.body))
    return (
        None
        if explanation.accepted
        else f"The filter of the action refuses the event: {explanation.said}"
    )


def _shown(outcome: str, why: str, steps: Sequence[RunStep], waits: list[str]) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "why": why or None,
        "steps": look_ups(steps),
        "waits": waits,
        "language": None,
        "made": None,
        "request": None,
    }

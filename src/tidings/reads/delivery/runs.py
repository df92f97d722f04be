"""One run of an action: the steps on its way, and what it has made of the event.

What was made is kept with the delivery, so that each attempt does the same; why it was not done is
told by its attempts, and what it waits for now by the delivery itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, assert_never

import msgspec

from tidings.core.actions.action import Action, Actions, HttpCall
from tidings.core.actions.placeholders import url_shown
from tidings.core.actions.rendered_act import (
    Made,
    MadeCall,
    MadeEvents,
    MadeMail,
    MadeRecord,
    MadeRow,
    RunStep,
    made_in,
    steps_in,
)
from tidings.core.actions.secrets import whole
from tidings.core.delivery.exchange import FaultKind
from tidings.core.exact_json import write_exactly
from tidings.core.ids import OrgId
from tidings.core.webhooks.masks import mask
from tidings.engine.webhooks.records import WebhookState
from tidings.store import port
from tidings.store.port import StoredAttempt, StoredDelivery

WAIT, HELD_UP, LOOK_UP, LANGUAGE, TRY, NOT_DONE, GAVE_UP = (
    "wait", "heldUp", "lookUp", "language", "try", "notDone", "failed"
)  # fmt: skip
STEPS = frozenset({WAIT, HELD_UP, LOOK_UP, LANGUAGE, TRY, NOT_DONE, GAVE_UP})
_BY_FAULT = {
    FaultKind.WAITS.value: WAIT,
    FaultKind.OURS.value: HELD_UP,
    FaultKind.SKIPPED.value: NOT_DONE,
    FaultKind.TRANSFORM.value: GAVE_UP,
}
_ENDED_UNMADE = (FaultKind.SKIPPED.value, FaultKind.TRANSFORM.value)


class RunActions(Protocol):
    """The actions of an org."""

    def of(self, org: OrgId) -> Actions:
        """Return the actions of an org as their file declares them now."""


class RunParts(Protocol):
    """Services that show a run."""

    @property
    def store(self) -> port.DeliveryStore:
        """Return the store of what was made."""

    @property
    def actions(self) -> RunActions:
        """The actions."""


async def show_run(
    parts: RunParts,
    delivery: StoredDelivery,
    record: WebhookState,
    attempts: Sequence[dict[str, Any]],
    stored: Sequence[StoredAttempt],
) -> dict[str, Any] | None:
    """Show the run that a delivery is; None where it is no action's. `attempts`: as they are shown,
    and as they are `stored`."""
    if not record.webhook.type.acts:
        return None
    sent = await parts.store.sent_body(delivery.id)
    made = None if sent.shaped is None else made_in(sent.shaped)
    action = parts.actions.of(record.org).get(record.webhook.name)
    return {
        "action": record.webhook.name,
        "language": None if made is None else made.language or None,
        "steps": [
            *steps_of(attempts, made, {step.number: _looked_up(step) for step in stored}),
            *_waits(delivery),
        ],
        "made": None if made is None else show_made(made, action),
    }


def _waits(delivery: StoredDelivery) -> list[dict[str, Any]]:
    """The step at which a run is that is not to be done yet."""
    if delivery.waits is None:
        return []
    return [_step(WAIT, delivery.waits.detail) | {"done": False}]


def _looked_up(attempt: StoredAttempt) -> list[dict[str, Any]]:
    """The look-ups of an attempt that made nothing and was the last for that."""
    if attempt.evidence is None or attempt.evidence.kind not in _ENDED_UNMADE:
        return []
    return look_ups(steps_in(attempt.evidence.headers))


def steps_of(
    attempts: Sequence[dict[str, Any]],
    made: Made | None,
    looked_up: Mapping[int, Sequence[dict[str, Any]]] = {},
) -> list[dict[str, Any]]:
    """List the steps of a run, in their order: what it waited for, its look-ups, its tries, and why
    it was not done. What was so several times in a row is one step. `looked_up`: by the number of
    an attempt that made nothing."""
    steps: list[dict[str, Any]] = []
    making = [] if made is None else _making(made)
    for attempt in attempts:
        if not attempt["ended"]:
            continue
        kind = _BY_FAULT.get(attempt["fault"] or "", TRY)
        if kind == TRY:
            steps, making = [*steps, *making], []
        steps = [*steps, *looked_up.get(attempt.get("number", 0), ())]
        step = _step(
            kind, _describe_try(attempt), at=attempt["startedAt"], took_ms=attempt["durationInMs"]
        )
        step["done"] = kind == TRY and _taken(attempt)
        if steps and (steps[-1]["step"], steps[-1]["said"]) == (step["step"], step["said"]):
            step["times"] = steps.pop()["times"] + 1
        steps.append(step)
    return [*steps, *making]


def _taken(attempt: dict[str, Any]) -> bool:
    status = attempt["status"]
    return attempt["fault"] is None and status is not None and 200 <= status <= 299


def _describe_try(attempt: dict[str, Any]) -> str:
    """Describe the result of a try, which an answer without more to say has in its status alone."""
    return attempt["advice"] or f"The answer was {attempt['status']}."


def _making(made: Made) -> list[dict[str, Any]]:
    steps = look_ups(made.steps)
    if made.language:
        steps.append(_step(LANGUAGE, f"It was made in {made.language}.", made.language))
    return steps


def look_ups(steps: Sequence[RunStep]) -> list[dict[str, Any]]:
    """Show look-ups as steps of a run."""
    return [_step(LOOK_UP, step.said, step.name, took_ms=step.took_ms) for step in steps]


def _step(
    step: str,
    outcome: str,
    name: str | None = None,
    *,
    at: str | None = None,
    took_ms: float | None = None,
) -> dict[str, Any]:
    return {
        "step": step,
        "name": name,
        "said": outcome,
        "at": at,
        "durationInMs": took_ms,
        "done": True,
        "times": 1,
    }


def show_made(made: Made, action: Action | None) -> dict[str, Any]:
    """Show the very mail, call, row or record; of secrets their end. `action`: as it is now."""
    match made.act:
        case MadeMail(mail):
            content = {"text": None, "html": None} | msgspec.to_builtins(mail)
            return {"kind": "mail", "content": content}
        case MadeCall():
            return {"kind": "call", "content": _call(made, made.act, action)}
        case MadeRow(values):
            values = msgspec.json.decode(write_exactly(values))
            return {"kind": "row", "content": {"values": values}}
        case MadeRecord(value, key):
            return {"kind": "record", "content": {"key": key or None, "value": value}}
        case MadeEvents(events):
            return {"kind": "events", "content": {"events": msgspec.json.decode(events)}}
        case _:
            assert_never(made.act)


def _call(made: Made, act: MadeCall, action: Action | None) -> dict[str, Any]:
    url, body = act.url, act.body
    declared = None if action is None else action.act_for(made.language)
    if isinstance(declared, HttpCall):
        url = url_shown(declared.url, url, secret=declared.url_secret)
        body = whole(declared, act, mask) or body
    else:
        url = url.partition("?")[0]  # a query may hold a key, and nobody says which part of it
    return {"method": act.method, "url": url, "body": body or None}

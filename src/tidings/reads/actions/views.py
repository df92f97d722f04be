"""The actions of an org as they are shown: what each does, how it does, and what ails it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from tidings.core.actions.act_words import cannot, describe_act, kind_of, remedy
from tidings.core.actions.action import Action
from tidings.core.delivery.advice import LEFT_FILE_TODO
from tidings.core.delivery.receivers.health import of_attempts
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.core.times import iso
from tidings.engine.actions.actions import ActionServices
from tidings.engine.clock import Clock
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.webhooks.judgements import WebhookJudgement
from tidings.engine.webhooks.records import WebhookState
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.errors import not_found
from tidings.reads.actions.definition import show_definition
from tidings.reads.webhooks.backlog import WebhookBacklog, backlogs_now
from tidings.reads.webhooks.health import show_judgement
from tidings.store import port

READS = "webhooks:read"
"""The scope of who sees actions: an action is a webhook."""
DAY_MS = 86_400_000
NAME_MAX = 64  # characters of an unknown name that a refusal repeats


class ActionParts(Protocol):
    """Services that show actions."""

    @property
    def store(self) -> port.TotalsStore:
        """Return the store that counts deliveries."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def webhooks(self) -> Webhooks:
        """Among which theirs are."""

    @property
    def actions(self) -> ActionServices:
        """Return the actions of the file, and how look-ups do."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: sending, and what it waits for."""


class ActionView(msgspec.Struct, frozen=True):
    """One action: its webhook, and what the file says of it."""

    record: WebhookState
    action: Action | None  # None: the file does not have it any more
    judged: WebhookJudgement
    left: WebhookBacklog  # to do now
    by_state: Mapping[int, int]  # its deliveries of the last 24 hours
    troubles: Sequence[str]  # what ails it, a sentence each
    advice: str | None  # what to do about the first of them; None where that says it itself

    @property
    def name(self) -> str:
        """Of it, and of its webhook."""
        return self.record.webhook.name


def action_records(parts: ActionParts, org: OrgId) -> list[WebhookState]:
    """Return the webhooks of an org's actions, by name."""
    found = [
        record
        for record in parts.webhooks.list(org)
        if record.webhook.type.of_file and record.webhook.status is not WebhookStatus.DELETED
    ]
    return sorted(found, key=lambda one: one.webhook.name)


async def action_views(parts: ActionParts, records: Sequence[WebhookState]) -> list[ActionView]:
    """Read some actions of one org, by a few questions for all of them."""
    if not records:
        return []
    now_ms = parts.clock.now_ms()
    numbers = [record.webhook.number for record in records]
    lefts = await backlogs_now(parts.store, parts.clock, numbers)
    days = await parts.store.tallies(numbers, now_ms + 1 - DAY_MS, now_ms + 1)
    await parts.actions.lookups.check()
    views = []
    for record, left, day in zip(records, lefts, days, strict=True):
        action = parts.actions.of(record.org).get(record.webhook.name)
        judged = parts.delivery.judgements.of(record.webhook)
        ails = troubles_of(record, action, judged)
        advice = _advice(record, action, judged, parts.actions)
        views.append(
            ActionView(
                record=record,
                action=action,
                judged=judged,
                left=left,
                by_state=day.by_state,
                troubles=ails,
                advice=advice,
            )
        )
    return views


async def own_action(parts: ActionParts, org: OrgId, name: str) -> ActionView:
    """Return an action of the org, by its name. Raise NotFound for anything else."""
    for record in action_records(parts, org):
        if record.webhook.name == name:
            [view] = await action_views(parts, [record])
            return view
    raise not_found("name", "the name of an action of this org", name[:NAME_MAX])


def troubles_of(record: WebhookState, action: Action | None, judged: WebhookJudgement) -> list[str]:
    """Tell what ails an action, a sentence each, the worst first."""
    webhook = record.webhook
    sentences = []
    if webhook.status is WebhookStatus.DISABLED and action is not None:
        sentences.append(record.config.reason or "It is disabled: what it would do is parked.")
    if judged.hold is not None and webhook.sends:
        sentences.append(judged.hold.why)
    elif judged.fails and judged.health is not None:
        does = cannot(None if action is None else action.act, judged.health.cause)
        counted = judged.health.share
        share = "" if counted is None else of_attempts(counted.failed, counted.attempts, "tries")
        sentences.append(f"It {does}, at {share}." if share else f"It {does}.")
    return [*sentences, *judged.troubles]


def _advice(
    record: WebhookState, action: Action | None, judged: WebhookJudgement, actions: ActionServices
) -> str | None:
    """Say what to do about the first of `troubles_of`; None where that says it, or there is
    none."""
    webhook = record.webhook
    if action is None:
        return LEFT_FILE_TODO
    if webhook.status is WebhookStatus.DISABLED:
        enables = "enable the action" in (record.config.reason or "")
        return None if enables else "Enable it, and run again what was parked."
    if judged.hold is not None:
        return None
    if judged.fails and judged.health is not None:
        return remedy(action.act, judged.health.cause)
    for lookup in action.lookups:
        state = actions.lookups.state_of(lookup.name)
        if state.left_alone or state.why:
            return f"Mend what it asks, or correct [lookups.{lookup.name}] in the file of actions."
    return None


def show_row(view: ActionView) -> dict[str, Any]:
    """Show an action in a list."""
    action, webhook = view.action, view.record.webhook
    return {
        "name": view.name,
        "webHookId": webhook.id,
        "standing": webhook.status.value,
        "kind": None if action is None else kind_of(action.act),
        "does": None if action is None else describe_act(action.act),
        "eventNames": sorted(webhook.event_names),
        "lookUps": [] if action is None else [lookup.name for lookup in action.lookups],
        **show_judgement(view.judged),
        "troubles": list(view.troubles),
        "advice": view.advice,
        "waiting": view.left.waiting,
        "waitingForTheirTime": view.left.timed,
        "parked": view.left.parked,
        "lastDay": {
            "done": view.by_state.get(State.DELIVERED, 0),
            "failed": view.by_state.get(State.FAILED, 0),
            "cancelled": view.by_state.get(State.CANCELLED, 0),
            "parked": view.by_state.get(State.PARKED, 0),
            "unfinished": sum(view.by_state.get(state, 0) for state in State if not state.final),
        },
    }


def show_whole(parts: ActionParts, view: ActionView) -> dict[str, Any]:
    """Show an action with all that its file says of it; null for what is not there any more."""
    action, record, author = view.action, view.record, view.record.config.created_by
    states = parts.actions.lookups.state_of
    lookups = () if action is None else action.lookups
    defined = (
        None
        if action is None
        else show_definition(action, {lookup.name: states(lookup.name) for lookup in lookups})
    )
    return show_row(view) | {
        "version": record.webhook.version,
        "changedAt": iso(record.updated_ms),
        "declaredIn": author if isinstance(author, str) else None,
        "definition": defined,
        "warnings": warnings_of(parts, record.org, view.name),
    }


def warnings_of(parts: ActionParts, org: OrgId, name: str | None = None) -> list[dict[str, Any]]:
    """List what is odd in the file of an org's actions; of one action alone, where one is named."""
    begins = "" if name is None else f"actions.{name}"
    return [
        {
            "code": warning.code,
            "message": warning.said,
            "field": warning.field,
            "file": warning.file.rpartition("/")[2],
            "line": warning.line,
        }
        for warning in parts.actions.warnings_of(org)
        if not begins or warning.field == begins or warning.field.startswith(f"{begins}.")
    ]

"""From what was asked to what is looked for: webhooks by id, times as places in the store."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.terms import Terms
from tidings.core.ids import EventNumber, OrgId, WebhookId
from tidings.core.replay import IDS_MAX, JobState, ReplayKind
from tidings.core.replay_rules import ReplayRequest
from tidings.core.webhooks.name_matching import both_ask
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.callables import OrgsBelow
from tidings.engine.webhooks.webhooks import UnknownWebhook, Webhooks
from tidings.errors import FieldRefusal, Invalid
from tidings.store import port

LOOK_UP_AT_ONCE = 1_000
Item = TypeVar("Item")


class ResolvedRequest(msgspec.Struct, frozen=True):
    """A job as it would be."""

    spec: port.ReplaySpec
    listed: Sequence[port.ReplayEntry]
    target: Webhook | None
    unknown: int  # ids of the list that the org does not have, or that are of another webhook


class RequestStore(port.EventStore, port.ReplayStore, Protocol):
    """The store of what requests look up: events by what they hold, and what a job can list."""


class ReplayRequests:
    """Looks up what requests name; everything is looked for within the org."""

    def __init__(
        self,
        *,
        store: RequestStore,
        webhooks: Webhooks,
        terms: Terms,
        below: OrgsBelow,
    ) -> None:
        self._store = store
        self._webhooks = webhooks
        self._terms = terms
        self._below = below

    async def look_up(self, org: OrgId, request: ReplayRequest) -> ResolvedRequest:
        """Resolve a request of the org. Invalid where it cannot be."""
        source = self._webhook(org, request.webhook_id, "webHookId")
        target = None
        if request.kind is ReplayKind.REPLAY:
            target = source
            if request.to_webhook_id is not None:
                target = self._webhook(org, request.to_webhook_id, "toWebHookId")
            self._must_live(target, request)
        listening = request.kind is ReplayKind.CANCEL or any(
            webhook is not None and webhook.listen_to_children for webhook in (source, target)
        )
        orgs = [org, *(self._below(org) if listening else ())]
        listed, unknown = await self._list(org, orgs, request, source)
        spec = port.ReplaySpec(
            owner=org,
            source=None if source is None else source.number,
            target=None if target is None else target.number,
            orgs=orgs,
            names=_names(request, target),
            from_ms=request.from_ms,
            to_ms=request.to_ms,
            states=sorted(request.states),
            unmatched=request.unmatched,
            again=request.again,
            listed=listed is not None,
            after=await self._first_since(request.from_ms),
        )
        return ResolvedRequest(spec, listed or (), target, unknown=unknown)

    async def _first_since(self, from_ms: int | None) -> EventNumber:
        return EventNumber(0) if from_ms is None else await self._store.first_since(from_ms)

    def job(
        self, org: OrgId, request: ReplayRequest, resolved: ResolvedRequest, by: str
    ) -> port.ReplayJob:
        """Build the job to be stored."""
        return port.ReplayJob(
            number=0,
            org=org,
            kind=request.kind,
            state=JobState.COUNTING,
            spec=resolved.spec,
            rate=request.rate,
            hold=request.hold,
            by=by,
        )

    def _webhook(self, org: OrgId, webhook_id: WebhookId | None, field: str) -> Webhook | None:
        if webhook_id is None:
            return None
        try:
            return self._webhooks.get(org, webhook_id).webhook
        except UnknownWebhook:
            raise UnknownWebhook(webhook_id, field) from None

    def _must_live(self, target: Webhook | None, request: ReplayRequest) -> None:
        field = "webHookId" if request.to_webhook_id is None else "toWebHookId"
        if target is None or target.status is WebhookStatus.DELETED or not target.has_target:
            got = "none" if target is None else f"one that is {target.status}"
            if target is not None and not target.has_target:
                got = f"one of the type {target.kind}"
            raise _refused(
                "cannot_send",
                field,
                f"{field} must be a webhook that messages can be sent to; got {got}. Name another "
                "with toWebHookId.",
            )

    async def _list(
        self, org: OrgId, orgs: list[OrgId], request: ReplayRequest, source: Webhook | None
    ) -> tuple[list[port.ReplayEntry] | None, int]:
        """List the events that match the request's list and its search, None if it has neither; and
        count the unknown ones."""
        found: list[port.ReplayEntry] | None = None
        unknown = 0
        if request.listed:
            found = []
            for part in _parts(request.deliveries):
                listed = await self._store.listed_deliveries(org, part)
                if request.kind is ReplayKind.REPLAY and source is not None:
                    listed = [delivery for delivery in listed if delivery.webhook == source.number]
                unknown += len(part) - len(listed)
                found += listed
            for ids in _parts(request.event_ids):
                events = await self._store.listed_events(org, ids)
                unknown += len(ids) - len(events)
                found += events
        if request.search is not None:
            hits: set[EventNumber] = set()
            for member in orgs:
                term = self._terms.asked(member, request.search)
                hits.update(await self._store.find(term, IDS_MAX + 1 - len(hits)))
                if len(hits) > IDS_MAX:
                    raise _refused(
                        "too_many",
                        "search",
                        f"search must find at most {IDS_MAX:,} events; it finds more. Use a value "
                        "that fewer events have, or leave it out.",
                    )
            if found is None:
                found = [port.ReplayEntry(seq) for seq in hits]
            else:
                found = [delivery for delivery in found if delivery.event in hits]
        return found, unknown


def _names(request: ReplayRequest, target: Webhook | None) -> list[str]:
    """List the event types to look at. Events without a delivery count only if the webhook
    subscribes to their type."""
    if not request.unmatched or target is None:
        return list(request.names)
    wanted = sorted(target.event_names)
    if request.names:
        wanted = both_ask(wanted, request.names)
    if not wanted:
        raise _refused(
            "bad_names",
            "eventNames",
            "eventNames must contain a type that the webhook subscribes to; it contains none. "
            "Leave it out for all of them.",
        )
    return wanted


def _parts(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items[at : at + LOOK_UP_AT_ONCE] for at in range(0, len(items), LOOK_UP_AT_ONCE)]


def _refused(code: str, field: str, sentence: str) -> Invalid:
    return Invalid(FieldRefusal.build(code, sentence, field=field))

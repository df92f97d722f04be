"""From checked drafts to the next commit: the digest, the search terms and the ordering key."""

import asyncio
import hashlib
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from typing import Any

from tidings.catalogue import Catalogue
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.passage import Doors, with_trace
from tidings.core.events.terms import Terms
from tidings.core.ids import OrgId
from tidings.core.webhooks.name_matching import stored_name
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Ordering, Webhook
from tidings.engine.events.commit_queue import CommitQueue, QueuedEvent
from tidings.engine.events.event_types import EventTypes
from tidings.engine.events.intake import Acceptance, Draft
from tidings.engine.events.loops import LoopGuard
from tidings.engine.events.match_tracker import MatchTracker
from tidings.store.port import NewDelivery, NewRejection

DIGEST_BYTES = 8
SLICE, SLICE_BYTES = 100, 1 << 20  # drafts that are made ready in one turn of the event loop
STRICT_KEY = 0


class Acceptor:
    """Takes checked drafts, adds what their commit needs, and waits for it. Implements
    `intake.Intake`."""

    def __init__(
        self,
        catalogue: Catalogue,
        terms: Terms,
        commits: CommitQueue,
        own: EventTypes | None = None,
        loops: LoopGuard | None = None,
    ) -> None:
        self.loops = loops or LoopGuard(Doors(b""))
        self._catalogue = catalogue
        self._own = own
        self._terms = terms
        self._commits = commits

    def accept(self, drafts: list[Draft]) -> Awaitable[list[Acceptance]]:
        """See `Intake.accept`."""
        if len(drafts) == 1 and drafts[0].passage is None:  # as nearly all do
            return self._commits.add([self._prepare(drafts[0])])
        return self._accept(drafts)

    async def _accept(self, drafts: list[Draft]) -> list[Acceptance]:
        if all(draft.passage is None for draft in drafts):  # they come for the first time
            return await self._take(drafts)
        entered = self.loops.enter(drafts)
        verdicts: list[Acceptance] | None = None
        try:
            verdicts = await self._take(drafts)
        finally:
            self.loops.leave(entered, verdicts)
        return verdicts

    async def _take(self, drafts: list[Draft]) -> list[Acceptance]:
        queued: list[QueuedEvent] = []
        events = size = 0  # since others had their turn
        for draft in drafts:
            if events == SLICE or size > SLICE_BYTES:
                await asyncio.sleep(0)
                events = size = 0
            queued.append(self._prepare(draft))
            events += 1
            size += len(draft.body)
        return await self._commits.add(queued)

    def note_rejections(self, rejections: list[NewRejection]) -> None:
        """See `Intake.note_rejections`."""
        self._commits.note_rejections(rejections)

    def ordering_key(self, org: OrgId, name: str, event: dict[str, Any]) -> int | None:
        """Return the hash of a stored event's ordering key, as at its accept; None where it has
        none."""
        types, own = self._catalogue, self._own
        known = own is None or types.get(name) is not None
        key = types.key_of(name, event) if known or own is None else own.key_of(org, name, event)
        return self._hashed(org, key)

    def _hashed(self, org: OrgId, key: str | None) -> int | None:
        if key is None:
            return None
        return int.from_bytes(self._terms.of(org, "key." + key), "big", signed=True)

    def _prepare(self, draft: Draft) -> QueuedEvent:
        org, name, event = draft.org, draft.name, draft.event
        types, own = self._catalogue, self._own
        if own is None or types.get(name) is not None:
            values, key = types.search_values(name, event), types.key_of(name, event)
        else:
            values, key = own.search_values(org, name, event), own.key_of(org, name, event)
        for field in ("refId", "apiRequestId"):
            if isinstance(value := event.get(field), str) and value:
                values.append(value)
        return QueuedEvent(
            draft=draft,
            digest=hashlib.blake2b(draft.original or draft.body, digest_size=DIGEST_BYTES).digest(),
            terms=self._terms.kept(org, values),
            key=self._hashed(org, key),
            name=stored_name(name, event),
            passage=self._passage(draft),
        )

    def _passage(self, draft: Draft) -> str | None:
        """Write what is stored of how an event came; None for nearly all."""
        passage = None if draft.passage is None else draft.passage.text(draft.place)
        if not draft.trace:
            return passage
        return with_trace(passage or self.loops.doors.first_passage(draft.org), draft.trace)


class Matcher:
    """The deliveries of an event, by the registry as it is at the close of a batch."""

    def __init__(self, registry: Registry, tracker: MatchTracker) -> None:
        """`tracker` hears of each match, and of what filters refuse."""
        self._registry = registry
        self._tracker = tracker

    def match(self, event: QueuedEvent) -> Sequence[NewDelivery]:
        """Return one `NewDelivery` per webhook that wants the event; none where it must not be
        sent."""
        draft = event.draft
        if draft.stopped:
            return ()
        org, about = draft.org, draft.about
        webhooks: Iterable[Webhook]
        webhooks, filtered = self._registry.candidates(org, event.name, draft.type_version)
        if filtered:
            webhooks = self._wanting(webhooks, draft.event)
        deliveries = [
            NewDelivery(
                webhook.number,
                webhook.version,
                lane_key(webhook, event.key),
                parked=webhook.status is WebhookStatus.DISABLED,
            )
            for webhook in webhooks
            if webhook.number != about
        ]
        if deliveries:
            self._tracker.matched(deliveries)
        return deliveries

    def _wanting(self, webhooks: Iterable[Webhook], event: dict[str, Any]) -> Iterator[Webhook]:
        for webhook in webhooks:
            if webhook.filter is None or webhook.filter.accepts(event):
                yield webhook
            else:
                self._tracker.missed(webhook)


def lane_key(webhook: Webhook, key: int | None) -> int | None:
    """Compute what a webhook orders an event by, whose own key is `key`."""
    if webhook.ordering is Ordering.NONE:
        return None
    return STRICT_KEY if webhook.ordering is Ordering.STRICT else key

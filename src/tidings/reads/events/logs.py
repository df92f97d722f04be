"""Pages of events and deliveries, by filters that combine, and an event as it is shown.

A page may hold fewer rows than asked for, and even none, while `older` leads on: what one question
may examine is bounded, so that no filter costs more than another.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tidings.core.ids import EventNumber, OrgId, WebhookId
from tidings.engine.orgs import Orgs
from tidings.engine.services.events import EventServices
from tidings.engine.webhooks.records import WebhookState
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.reads.columns import show_event
from tidings.reads.events.log_pages import ROUNDS_MAX, RowStore, newest_first, oldest_first
from tidings.reads.events.org_scope import org_scope_of
from tidings.reads.filters import ASKED, LogQuestion
from tidings.store import port
from tidings.store.port import (
    DeliveryPage,
    DeliveryQuery,
    EventHead,
    EventPage,
    EventQuery,
    StoredEvent,
)


class LogParts(Protocol):
    """Services that read a log."""

    @property
    def store(self) -> RowStore:
        """Return the store of events and deliveries."""

    @property
    def webhooks(self) -> Webhooks:
        """Return the webhooks of the deliveries."""

    @property
    def events(self) -> EventServices:
        """Event types, and what events are found by."""

    @property
    def orgs(self) -> Orgs:
        """The orgs below one."""


def show_event_row(event: StoredEvent, head: EventHead | None) -> dict[str, Any]:
    """Show an event without its body."""
    return show_event(event, head) | {"deliveries": event.deliveries}


async def event_page(parts: LogParts, org: OrgId, question: LogQuestion) -> EventPage:
    """Read a page of the org's events; by what became of them at its own webhooks alone."""
    fates: Sequence[int] = ()
    if question.webhook_ids or question.states:
        fates = list(webhooks_of(parts.webhooks, org, question.webhook_ids))
        if not fates:
            return EventPage([])
    listed = await _seqs(parts.store, (org,), question.event_id)
    if listed is not None and not listed:
        return EventPage([])
    return await parts.store.log_events(
        EventQuery(
            **_as_asked(EventQuery, question)
            | {
                "org": org,
                "event_names": parts.events.types.spelled(org, question.event_names),
                "terms": [parts.events.terms.asked(org, value) for value in question.values],
                "events": listed or (),
                "webhooks": fates,
            }
        )
    )


async def delivery_page(
    parts: LogParts,
    org: OrgId,
    question: LogQuestion,
    records: Mapping[int, WebhookState],
    rounds: int = 0,
) -> DeliveryPage:
    """Read a page of the deliveries of some webhooks, by number. With `rounds` a page that comes
    back nearly empty is filled by so many further questions, at most."""
    webhooks = [record.webhook for record in records.values()]
    orgs: Sequence[OrgId] = (org,)
    if question.values or question.event_id is not None:
        orgs = org_scope_of(parts.orgs, org, webhooks).orgs
    listed = await _seqs(parts.store, orgs, question.event_id)
    if not records or (listed is not None and not listed):
        return DeliveryPage([])

    def query(terms: list[bytes]) -> DeliveryQuery:
        return DeliveryQuery(
            **_as_asked(DeliveryQuery, question)
            | {
                "webhooks": list(records),
                "event_names": parts.events.types.spelled(org, question.event_names),
                "terms": terms,
                "events": listed or (),
            }
        )

    terms = parts.events.terms.asked
    asked = [query([terms(org, value) for value in question.values]) for org in orgs]
    alone = len(asked) == 1 or not question.values
    if alone and (not rounds or question.after is not None):
        return await parts.store.log_deliveries(asked[0])
    asked = asked[:1] if alone else asked
    # An event's terms are keyed by its own org: each org below is asked for.
    if question.after is None:
        rows = await newest_first(
            parts.store, asked, question.before, question.limit, rounds or ROUNDS_MAX
        )
        newer = rows.rows[0].id if rows.rows else question.before and question.before - 1
        return DeliveryPage(rows.rows, rows.on, newer)
    rows = await oldest_first(parts.store, asked, question.after, question.limit)
    newest = rows.rows[-1].id if rows.rows else question.after
    older = rows.rows[0].id if rows.rows else question.after + 1
    return DeliveryPage(list(rows.rows)[::-1], older, rows.on or newest)


def _as_asked(
    query: type[EventQuery] | type[DeliveryQuery], question: LogQuestion
) -> dict[str, Any]:
    """Collect what a store's query has under the same name as the question."""
    return {name: getattr(question, name) for name in query.__struct_fields__ if name in ASKED}


async def _seqs(
    store: port.EventStore, orgs: Sequence[OrgId], event_id: str | None
) -> list[EventNumber] | None:
    """The events of an id; None where no id was asked for."""
    if event_id is None:
        return None
    found = [await store.event(org, event_id) for org in orgs]
    return [event.seq for event in found if event is not None]


def webhooks_of(
    webhooks: Webhooks, org: OrgId, ids: Sequence[WebhookId]
) -> dict[int, WebhookState]:
    """Return the org's webhooks, deleted ones too, by number; or those that are named."""
    if not ids:
        return {record.webhook.number: record for record in webhooks.list(org)}
    records = {}
    for webhook_id in ids:
        record = webhooks.get(org, webhook_id)
        records[record.webhook.number] = record
    return records

"""The list of deliveries: filters that combine, cursors to both sides."""

from starlette.responses import Response

from tidings.console.pages.events import log_filters
from tidings.console.pages.events.active_filters import active_filters
from tidings.console.pages.events.log_filters import Filters, address, sides
from tidings.console.visit import Visit
from tidings.core.delivery.states import State
from tidings.core.ids import show as show_id
from tidings.engine.webhooks.records import Record
from tidings.errors import RequestRefused
from tidings.reads.delivery.next_attempts import see
from tidings.reads.events.log_pages import heads_of
from tidings.reads.events.logs import delivery_page, webhooks_of
from tidings.store.port import DeliveryPage

ROUNDS = 2  # questions for a page that a rare filter leaves nearly empty
WORDS = [state.word for state in State]


async def show_all(visit: Visit) -> Response:
    """A page of the deliveries that fit the address."""
    filters = read(visit)
    page, records, refusals = DeliveryPage([]), {}, dict(filters.refusals)
    if filters.question is not None:
        try:
            records = webhooks_of(
                visit.services.webhooks, visit.caller.org, filters.question.webhook_ids
            )
            page = await delivery_page(
                visit.services, visit.caller.org, filters.question, records, ROUNDS
            )
        except RequestRefused as refused:
            refusals["webhook"] = refused.refusals[0].message
    heads = await heads_of(visit.services.store, (row.event for row in page.deliveries))
    webhooks = webhook_choices(visit)
    return visit.page(
        "deliveries.html",
        400 if refusals else 200,
        filters=filters,
        refusals=refusals,
        rows=[see(visit.services, row, records[row.webhook]) for row in page.deliveries],
        requests={seq: head.request_id for seq, head in heads.items() if head.request_id},
        webhooks=webhooks,
        active=active_filters(filters, dict(webhooks)),
        types=list(visit.services.event_types.names(visit.caller.org)),
        words=WORDS,
        spans=log_filters.SPANS,
        address=address,
        sides=sides(filters, page.older, page.newer),
        settled=log_filters.settled(filters),
        show=show_id,
        zone=visit.services.zone(visit.caller.org),
    )


def read(visit: Visit) -> Filters:
    """The filters of the visitor's address."""
    services = visit.services
    zone = services.zone(visit.caller.org)
    query = visit.request.query_params
    return log_filters.read(query, log_filters.OF_DELIVERIES, zone, services.clock.now_ms())


def webhook_choices(visit: Visit) -> list[tuple[str, str]]:
    """The org's webhooks to choose from, by name; deleted ones last."""
    records = visit.services.webhooks.list(visit.caller.org)
    return [(one.webhook.id, _named(one)) for one in sorted(records, key=_order)]


def _order(record: Record) -> tuple[bool, str]:
    return record.webhook.standing == "deleted", record.webhook.name.lower()


def _named(record: Record) -> str:
    deleted = " (deleted)" if record.webhook.standing == "deleted" else ""
    return record.webhook.name + deleted

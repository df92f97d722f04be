"""The list of deliveries: filters that combine, cursors to both sides."""

from starlette.responses import Response

from tidings.console.pages.events import log_filters, newer_rows
from tidings.console.saved_list import views_of_list
from tidings.console.visit import Visit
from tidings.core.ids import show as show_id
from tidings.errors import RequestRefused
from tidings.reads.delivery.next_attempts import see
from tidings.reads.events.log_pages import heads_of
from tidings.reads.events.logs import delivery_page, webhooks_of
from tidings.reads.filters import DELIVERIES
from tidings.store.port import DeliveryPage

ROUNDS = 2  # questions for a page that a rare filter leaves nearly empty


async def show_all(visit: Visit) -> Response:
    """Show a page of the deliveries that fit the address."""
    filters = log_filters.read(visit, DELIVERIES)
    page, records = DeliveryPage([]), {}
    if filters.question is not None:
        try:
            records = webhooks_of(
                visit.services.webhooks, visit.caller.org, filters.question.webhook_ids
            )
            page = await delivery_page(
                visit.services, visit.caller.org, filters.question, records, ROUNDS
            )
        except RequestRefused as refused:
            filters.refusals["webhook"] = refused.refusals[0].message
    if newer_rows.asks_newer(visit):
        at = log_filters.newer_at(filters, page.newer)
        return newer_rows.count_newer(len(page.deliveries), at)
    heads = await heads_of(visit.services.store, (row.event for row in page.deliveries))
    return visit.page(
        "deliveries.html",
        400 if filters.refusals else 200,
        filters=filters,
        rows=[see(visit.services, row, records[row.webhook]) for row in page.deliveries],
        heads=heads,
        spans=log_filters.SPANS,
        sides=log_filters.sides(filters, page.older, page.newer),
        settled=log_filters.settled(filters),
        show=show_id,
        zone=visit.zone,
        **await views_of_list(visit, "deliveries"),
    )

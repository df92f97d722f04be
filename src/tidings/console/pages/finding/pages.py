"""The page of the search: any id opens its thing; any other value is looked for in webhooks, in
deliveries and in events. The palette asks the same address for its rows."""

from urllib.parse import urlencode

from starlette.responses import Response

from tidings.api.cells.orgs import list_lines
from tidings.console.pages.finding import rows
from tidings.console.pages.finding.ids import (
    IdFound,
    SearchTarget,
    find_by_id,
    find_elsewhere,
    is_prefixed,
)
from tidings.console.pages.finding.webhooks import READS, WebhooksFound, search_webhooks
from tidings.console.place import OUTSIDE, PageScope
from tidings.console.visit import PlainVisit, Visit
from tidings.core.ids import show as show_id
from tidings.reads.events.logs import delivery_page, event_page, webhooks_of
from tidings.reads.filters import VALUE_MAX, LogQuestion
from tidings.store.port import DeliveryPage, EventPage

SHOWN = 10
ORG_DIGITS = 15
PART = "rows"  # of the palette


async def find(visit: Visit) -> Response:
    """Open what an id names, or show what is found by a value."""
    wanted = _wanted(visit)
    if visit.request.query_params.get("part") == PART:
        return await _show_rows(visit, wanted)
    if not wanted or len(wanted) > VALUE_MAX:
        return _show_none(visit, wanted)
    look = await find_by_id(visit, wanted)
    if look.path is not None:
        return visit.go(look.path)
    if (there := await find_elsewhere(visit, wanted, look)) is not None:
        return _open(visit, there, f"not in {visit.named}")
    deliveries, events = DeliveryPage([]), EventPage([])
    orgs, found = [], WebhooksFound()
    groups: list[rows.FoundGroup] = []
    if not is_prefixed(wanted):
        found, groups = await _find_named(visit, wanted, look)
    records = webhooks_of(visit.services.webhooks, visit.caller.org, ())
    if visit.may("logs:read") and not is_prefixed(wanted):
        look.words.append("deliveries and events that contain it as a value")
        question = LogQuestion(values=(wanted,), limit=SHOWN)
        org = visit.caller.org
        deliveries = await delivery_page(visit.services, org, question, records)
        events = await event_page(visit.services, org, question)
    if visit.caller.platform and wanted.isascii() and wanted.isdigit():
        look.words.append("an org of this number")
        if len(wanted) <= ORG_DIGITS:
            lines, _ = await list_lines(visit.services, str(int(wanted)), SHOWN)
            orgs = [line for line in lines if line.id == int(wanted)]
    if orgs and not (deliveries.deliveries or events.events or found.webhooks):
        return visit.leave(OUTSIDE.at("/orgs?" + urlencode({"q": wanted})))
    return visit.page(
        "find.html",
        wanted=wanted,
        too_long=False,
        look=look,
        deliveries=deliveries,
        events=events,
        orgs=orgs,
        groups=groups,
        is_more=len(found.webhooks) >= SHOWN,
        notes=rows.notes_on(found),
        lead=lambda org: PageScope(org).at(),
        records=records,
        show=show_id,
    )


async def find_anywhere(visit: PlainVisit) -> Response:
    """Open what an id names in any org of the visitor's, or show the webhooks, orgs and pages that
    have a text in their name."""
    wanted = _wanted(visit)
    if visit.request.query_params.get("part") == PART:
        return await _show_rows(visit, wanted)
    if not wanted or len(wanted) > VALUE_MAX:
        return _show_none(visit, wanted)
    look = SearchTarget([])
    if (there := await find_elsewhere(visit, wanted, look)) is not None:
        return _open(visit, there)
    found = WebhooksFound()
    groups: list[rows.FoundGroup] = []
    if not is_prefixed(wanted):
        found, groups = await _find_named(visit, wanted, look)
    return visit.page(
        "find.html",
        wanted=wanted,
        too_long=False,
        look=look,
        deliveries=DeliveryPage([]),
        events=EventPage([]),
        orgs=[],
        groups=groups,
        is_more=False,
        notes=rows.notes_on(found),
    )


def _wanted(visit: PlainVisit) -> str:
    return visit.request.query_params.get("q", "").strip()


def _show_none(visit: PlainVisit, wanted: str) -> Response:
    """Show the page that says what can be searched for, also where a text is too long."""
    too_long = len(wanted) > VALUE_MAX
    status = 400 if too_long else 200
    return visit.page("find.html", status, wanted=wanted[:VALUE_MAX], too_long=too_long, look=None)


async def _show_rows(visit: PlainVisit, wanted: str) -> Response:
    """Answer the rows of the palette."""
    if len(wanted) > VALUE_MAX:
        note = f"The search must have at most {VALUE_MAX} characters."
        return visit.page("parts/found.html", 400, found=rows.FoundList([], [note]))
    return visit.page("parts/found.html", found=await rows.list_rows(visit, wanted))


async def _find_named(
    visit: PlainVisit, wanted: str, look: SearchTarget
) -> tuple[WebhooksFound, list[rows.FoundGroup]]:
    """Find webhooks, saved views, hosts, orgs, pages and actions by a part of their names."""
    if visit.place.org is None or visit.may(READS):
        look.words.append("webhooks with it in their name or host, in all orgs of yours")
    look.words.append("pages and actions of the console")
    found = await search_webhooks(visit, wanted, SHOWN)
    is_number = wanted.isascii() and wanted.isdigit()
    groups = [
        rows.FoundGroup("Webhooks", rows.webhook_rows(visit, found.webhooks)),
        rows.FoundGroup("Saved views", await rows.view_rows(visit, wanted)),
        *rows.other_groups(visit, wanted, found),
    ]
    return found, [
        group
        for group in groups
        if group.rows and not (is_number and visit.place.org is not None and group.title == "Orgs")
    ]


def _open(visit: PlainVisit, there: IdFound, not_in: str = "") -> Response:
    """Redirect to what was found in another org, and say where that is."""
    clause = f", {not_in}" if not_in else ""
    message = f"It was found in {there.name}, where you are now{clause}."
    return visit.leave(PageScope(there.org).at(there.path), message)

"""The rows of the palette and of the page of the search: ids, webhooks, pages and actions. All of
them are links; nothing of it changes anything."""

import asyncio
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

import msgspec

from tidings.console.menu import MenuLink, further_of, menu_of
from tidings.console.pages.finding.ids import (
    SearchTarget,
    find_by_id,
    find_elsewhere,
    is_id,
    is_prefixed,
)
from tidings.console.pages.finding.webhooks import (
    LOOKED_AT_MAX,
    FoundHost,
    FoundWebhook,
    WebhooksFound,
    search_webhooks,
)
from tidings.console.place import OUTSIDE, PageScope
from tidings.console.saved_list import LISTS, find_views
from tidings.console.visit import PlainVisit, Visit
from tidings.core.ids import OrgId
from tidings.reads.events.logs import event_page
from tidings.reads.filters import LogQuestion
from tidings.store.port import StoreDown, StoreUnanswered

SHOWN = 8  # webhooks of a list
EVENTS_SHOWN = 3
VALUE_MIN = 3  # signs of a value that events are looked for by, while somebody types
WITHIN_S = 1.5
_KINDS = {
    "deliveries": "Delivery",
    "events": "Event",
    "webhooks": "Webhook",
    "replays": "Replay",
    "inboxes": "Test inbox",
    "alerts": "Alert channel",
    "rejections": "Rejected event",
    "sources": "Source",
    "catalogue": "Event type",
}


class FoundRow(msgspec.Struct, frozen=True, kw_only=True):
    """A link, with what stands beside it."""

    href: str
    label: str
    detail: str = ""
    state: str = ""


class FoundGroup(msgspec.Struct, frozen=True):
    """Rows of one kind under their heading."""

    title: str
    rows: Sequence[FoundRow]


class FoundList(msgspec.Struct, frozen=True):
    """All groups that have rows, and sentences on what was not looked at."""

    groups: Sequence[FoundGroup]
    notes: Sequence[str] = ()


async def list_rows(visit: PlainVisit, wanted: str) -> FoundList:
    """List what the palette shows for a text; without one, where one can go."""
    notes: list[str] = []
    exact, events = await _exact_rows(visit, wanted, notes)
    found = WebhooksFound()
    if wanted and not is_prefixed(wanted):
        found = await search_webhooks(visit, wanted, SHOWN)
    known = {row.href for row in exact}
    webhooks = [row for row in webhook_rows(visit, found.webhooks) if row.href not in known]
    groups = [
        FoundGroup("Exactly this", exact),
        FoundGroup("Webhooks", webhooks),
        FoundGroup("Saved views", await view_rows(visit, wanted)),
        *other_groups(visit, wanted, found),
        FoundGroup("Events with this value", events),
        FoundGroup("Search", _search_rows(visit, wanted)),
    ]
    return FoundList([group for group in groups if group.rows], [*notes, *notes_on(found)])


def webhook_rows(visit: PlainVisit, webhooks: Iterable[FoundWebhook]) -> list[FoundRow]:
    """Build the rows of webhooks; of another org's, with that org."""
    return [
        FoundRow(
            href=_in_org(visit, webhook.org).at(f"/webhooks/{webhook.id}"),
            label=webhook.name,
            detail=_beside(visit, webhook.host, webhook),
            state=webhook.state,
        )
        for webhook in webhooks
    ]


async def view_rows(visit: PlainVisit, wanted: str) -> list[FoundRow]:
    """Build the rows of the visitor's saved views that have all words of a text in their name or
    in that of their list; none where the store takes too long."""
    words = wanted.casefold().split()
    try:
        async with asyncio.timeout(WITHIN_S):
            views = await find_views(visit)
    except TimeoutError:
        return []
    named = [(view, LISTS[view.list].title) for view in views]
    return [
        FoundRow(href=visit.at(f"/views/{view.id}"), label=view.name, detail=title)
        for view, title in named
        if all(word in f"{view.name} {title} saved view".casefold() for word in words)
    ][:SHOWN]


def other_groups(visit: PlainVisit, wanted: str, found: WebhooksFound) -> list[FoundGroup]:
    """Build the groups of hosts, orgs, pages and actions."""
    hosts = [
        FoundRow(
            href=_in_org(visit, host.org).at("/webhooks?" + urlencode({"q": host.host})),
            label=host.host,
            detail=_beside(visit, f"{host.webhooks} webhooks", host),
        )
        for host in found.hosts
    ]
    orgs = [FoundRow(href=PageScope(org.org).at(), label=org.org_name) for org in found.orgs]
    menu = menu_of(visit)
    pages = [*menu.pages, *menu.operate, *(further_of(visit) if wanted else ())]
    return [
        FoundGroup("Hosts", hosts),
        FoundGroup("Pages", _link_rows(visit, wanted, pages)),
        FoundGroup("Actions", _link_rows(visit, wanted, menu.actions)),
        FoundGroup("Orgs", orgs),
    ]


def notes_on(found: WebhooksFound) -> list[str]:
    """Say what a look through webhooks has left out."""
    notes = [
        f"Webhooks of cell {cell}, which has not answered, are missing." for cell in found.missing
    ]
    if not found.is_whole:
        notes.append(f"Only the first {LOOKED_AT_MAX:,} webhooks were searched.")
    return notes


async def _exact_rows(
    visit: PlainVisit, wanted: str, notes: list[str]
) -> tuple[list[FoundRow], list[FoundRow]]:
    """Build the row of what an id names, and where it names nothing, those of events that hold it:
    both ask the store, and are given up where it takes too long."""
    if not wanted:
        return [], []
    try:
        async with asyncio.timeout(WITHIN_S):
            if (exact := await _exact_row(visit, wanted)) is not None:
                return [exact], []
            return [], await _event_rows(visit, wanted)
    except (TimeoutError, StoreDown, StoreUnanswered):
        notes.append("Ids and values could not be searched in time. Press Enter to search again.")
        return [], []


async def _exact_row(visit: PlainVisit, wanted: str) -> FoundRow | None:
    look = SearchTarget([])
    if isinstance(visit, Visit):
        look = await find_by_id(visit, wanted)
        if look.path is not None:
            return FoundRow(href=visit.at(look.path), label=wanted, detail=_kind(look.path))
    if not is_id(wanted):
        return None
    there = await find_elsewhere(visit, wanted, look)
    if there is None:
        return None
    detail = f"{_kind(there.path)} · {there.name}"
    return FoundRow(href=PageScope(there.org).at(there.path), label=wanted, detail=detail)


async def _event_rows(visit: PlainVisit, wanted: str) -> list[FoundRow]:
    """Find events of the org that hold a text as a value: a request id, a customer, a bill."""
    fits = len(wanted) >= VALUE_MIN and not is_prefixed(wanted)
    if not fits or not isinstance(visit, Visit) or not visit.may("logs:read"):
        return []
    question = LogQuestion(values=(wanted,), limit=EVENTS_SHOWN)
    page = await event_page(visit.services, visit.caller.org, question)
    return [
        FoundRow(
            href=visit.at(f"/events/{quote(event.id, safe='')}"),
            label=event.name,
            detail=event.id,
        )
        for event in page.events[:EVENTS_SHOWN]
    ]


def _kind(path: str) -> str:
    """Name the kind of a thing by its page."""
    parts = path.split("/")
    return "Message set aside" if "aside" in parts else _KINDS[parts[1]]


def _search_rows(visit: PlainVisit, wanted: str) -> list[FoundRow]:
    if not wanted:
        return []
    in_org = visit.place.org is not None
    path, what = ("/find", "deliveries and events") if in_org else ("/search", "all orgs")
    href = visit.at(f"{path}?" + urlencode({"q": wanted}))
    return [FoundRow(href=href, label=f"Search {what} for “{wanted}”")]


def _link_rows(visit: PlainVisit, wanted: str, links: Sequence[MenuLink]) -> list[FoundRow]:
    """Build the rows of links that have all words of a text; those that begin with it first."""
    part = wanted.casefold()
    words = part.split()
    fitting = [
        link
        for link in links
        if all(word in f"{link.name} {link.also}".casefold() for word in words)
    ]
    fitting.sort(key=lambda link: not link.name.casefold().startswith(part))
    return [
        FoundRow(href=(OUTSIDE if link.is_outside else visit.place).at(link.path), label=link.name)
        for link in fitting
    ]


def _in_org(visit: PlainVisit, org: OrgId) -> PageScope:
    """Return the place of an org's pages: in a portal, the portal."""
    return visit.place if org == visit.caller.org else PageScope(org)


def _beside(visit: PlainVisit, text: str, found: FoundWebhook | FoundHost) -> str:
    org = "" if found.org == visit.caller.org else found.org_name
    return " · ".join(filter(None, (text, org)))

"""The saved views over a list: the visitor's own, and whether the list shows one of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.console.visit import PlainVisit, Visit
from tidings.core.access.view_rules import QUERY_MAX, settled_query
from tidings.store.port import StoreDown, StoredView


class ListOfViews(msgspec.Struct, frozen=True, kw_only=True):
    """A list whose filters and order can be saved."""

    path: str
    title: str
    scope: str


LISTS: Mapping[str, ListOfViews] = {
    known.path.removeprefix("/"): known
    for known in (
        ListOfViews(path="/webhooks", title="Webhooks", scope="webhooks:read"),
        ListOfViews(path="/deliveries", title="Deliveries", scope="logs:read"),
        ListOfViews(path="/events", title="Events", scope="logs:read"),
        ListOfViews(path="/audit", title="Audit log", scope="admin:read"),
    )
}
"""By the name that a view is stored with."""


class ViewsOfList(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what a list shows of saved views."""

    list: str
    views: Sequence[StoredView] = ()
    current: str = ""  # the id of the view that the list shows now
    query: str = ""  # what there is to save; empty: nothing


def views_owner(visit: PlainVisit) -> str | None:
    """Return whose views a visitor has; None in a portal, whose session is its link's."""
    return None if visit.place.portal else visit.caller.credential or None


async def find_views(visit: PlainVisit) -> Sequence[StoredView]:
    """List the visitor's views of the org, of lists that they may see now; none where the store
    does not answer: a list is shown without them."""
    owner = views_owner(visit)
    if owner is None or not isinstance(visit, Visit):
        return ()
    try:
        found = await visit.services.access.views.list(visit.caller.org, owner)
    except StoreDown:
        return ()
    return [view for view in found if may_see(visit, view.list)]


def may_see(visit: PlainVisit, list_name: str) -> bool:
    """Return whether a list is one of `LISTS`, and the visitor may see it."""
    return list_name in LISTS and visit.may(LISTS[list_name].scope)


async def views_of_list(visit: PlainVisit, list_name: str) -> dict[str, Any]:
    """Build what the template of a list is given for its views: `saved`, None where there are
    none to show and none to save."""
    if views_owner(visit) is None or not isinstance(visit, Visit):
        return {"saved": None}
    query = settled_query(visit.request.url.query) or ""
    own = [view for view in await find_views(visit) if view.list == list_name]
    current = next((view.id for view in own if view.query == query), "")
    if not own and not query:
        return {"saved": None}
    to_save = query if not current and len(query) <= QUERY_MAX else ""
    return {"saved": ViewsOfList(list=list_name, views=own, current=current, query=to_save)}

"""Saved views: the filters and the order of a list under a name, for whoever saved them alone."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.console.pages.events import log_filters
from tidings.console.pages.webhooks import listed
from tidings.console.saved_list import LISTS, find_views, may_see, views_owner
from tidings.console.visit import Visit
from tidings.core.access.view_rules import take_view_name, take_view_query
from tidings.core.form import Form
from tidings.errors import Conflict, FieldRefusal, Forbidden, Invalid, NotFound, RequestRefused
from tidings.reads.filters import AUDIT, DELIVERIES, EVENTS, Parameters
from tidings.store.port import StoredView

AT = "/views"
REVISION_DIGITS = 9
Check = Callable[[Visit, QueryParams], Sequence[str]]


class ShownView(msgspec.Struct, frozen=True, kw_only=True):
    """A view with its list and its filters as people read them."""

    view: StoredView
    title: str
    filters: Sequence[tuple[str, str]]


def _log_check(known: Parameters) -> Check:
    return lambda visit, query: [*log_filters.read(visit, known, query).refusals.values()]


def _check_webhooks(_: Visit, query: QueryParams) -> Sequence[str]:
    return [refusal.message for refusal in listed.read_query(query)[1]]


# Of each list, what it would refuse of an address.
CHECKS: Mapping[str, Check] = {
    "webhooks": _check_webhooks,
    "deliveries": _log_check(DELIVERIES),
    "events": _log_check(EVENTS),
    "audit": _log_check(AUDIT),
}


async def show_all(visit: Visit) -> Response:
    """List the visitor's views of the org, with their names to change."""
    _owner(visit)
    return await _show(visit)


async def open_view(visit: Visit) -> Response:
    """Open the list of a view, or say what the list does not accept of it any more."""
    view = await _own(visit)
    refusals = CHECKS[view.list](visit, QueryParams(view.query))
    if refusals:
        return await _show(visit, outdated=view, reasons=refusals)
    path = LISTS[view.list].path
    return visit.go(f"{path}?{view.query}" if view.query else path)


async def save(visit: Visit) -> Response:
    """Save what a list shows, and go back there."""
    owner, list_name = _owner(visit), visit.form.get("list", "")
    if not may_see(visit, list_name):
        raise Invalid.because(
            "bad_list", "list must be a list that you may see. Save the view there.", field="list"
        )
    form = Form({})
    name = take_view_name(form, "name", visit.form.get("name", ""))
    query = take_view_query(form, "query", visit.form.get("query", ""))
    try:
        if form.refusals:
            raise Invalid(*form.refusals)
        await visit.services.access.views.save(
            visit.caller.org, owner, list_name=list_name, name=name, query=query
        )
    except (Invalid, Conflict) as refused:
        return await _show(visit, refused=refused, unsaved=True)
    path = LISTS[list_name].path
    return visit.go(f"{path}?{query}" if query else path, f"The view {name} was saved.")


async def rename(visit: Visit) -> Response:
    """Give a view another name, as it was when its form was shown."""
    owner, view_id = _owner(visit), str(visit.request.path_params["id"])
    form = Form({})
    name = take_view_name(form, "name", visit.form.get("name", ""))
    revision = visit.form.get("revision", "")
    known = revision.isascii() and revision.isdigit() and len(revision) <= REVISION_DIGITS
    try:
        if form.refusals:
            raise Invalid(*form.refusals)
        await visit.services.access.views.rename(
            visit.caller.org,
            owner,
            view_id,
            revision=int(revision) if known else 0,
            name=name,
        )
    except RequestRefused as refused:
        return await _show(visit, refused=refused)
    return visit.go(AT, f"The view is named {name} now.")


async def delete(visit: Visit) -> Response:
    """Delete a view; of one that is gone already, say so."""
    owner, view_id = _owner(visit), str(visit.request.path_params["id"])
    was_there = await visit.services.access.views.delete(visit.caller.org, owner, view_id)
    message = "The saved view was deleted." if was_there else "The saved view was deleted already."
    return visit.go(AT, message)


def _owner(visit: Visit) -> str:
    owner = views_owner(visit)
    if owner is None:
        raise Forbidden(
            FieldRefusal.build(
                "no_views_here",
                "Saved views must be those of a user or a credential; a portal has none. Bookmark "
                "the address of the list instead.",
                place="session",
            )
        )
    return owner


async def _own(visit: Visit) -> StoredView:
    view_id = str(visit.request.path_params["id"])
    view = await visit.services.access.views.get(visit.caller.org, _owner(visit), view_id)
    if not may_see(visit, view.list):
        raise NotFound.because(
            "not_found",
            "The view must be of a list that you may see; you may not see it any more. Ask an "
            "owner of the org.",
            place="address",
        )
    return view


async def _show(
    visit: Visit,
    *,
    refused: RequestRefused | None = None,
    unsaved: bool = False,
    outdated: StoredView | None = None,
    reasons: Sequence[str] = (),
) -> Response:
    """Show the page, with what was refused, or with the view whose list refuses it."""
    views = [
        ShownView(view=view, title=LISTS[view.list].title, filters=parse_qsl(view.query))
        for view in await find_views(visit)
    ]
    return visit.page(
        "saved_views.html",
        200 if refused is None else status_of(refused),
        shown=views,
        trouble=[refusal.message for refusal in refused.refusals] if refused else (),
        unsaved=visit.form if unsaved else None,
        unsaved_title=LISTS[visit.form["list"]].title if unsaved else "",
        outdated=outdated,
        reasons=reasons,
    )

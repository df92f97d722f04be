"""Links to the portal of an org: made, listed with the sessions that they began, and ended."""

from collections.abc import Mapping

from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.console.pages.access.access import AT as ACCESS
from tidings.console.place import OUTSIDE
from tidings.console.visit import Visit
from tidings.core.access.portal_rules import Portal, PortalLinkFields, read_portal
from tidings.core.declaration import declared
from tidings.errors import FieldRefusal, NotFound, RequestRefused, passed
from tidings.schema.page_forms import page_form

PORTAL = OUTSIDE.at("/portal")
AT = f"{ACCESS}/portal"
FORM = page_form([*declared(Portal), *declared(PortalLinkFields)])
FIRST = ("name", "role", "expiresInMinutes", "embedIn")
LOOKS = ("colour", "logo")
GONE = FieldRefusal.build(
    "not_open",
    "The link or session must be open; it has ended meanwhile. Reload the page.",
    place="form",
)


async def show(visit: Visit) -> Response:
    """Show the links that wait to be opened, and the sessions that links have begun."""
    portals, org = visit.services.access.portals.current, visit.caller.org
    return visit.page(
        "portal_links.html", links=await portals.links(org), sessions=portals.sessions(org)
    )


async def show_new(visit: Visit) -> Response:
    """Show the form of a new link."""
    return _form(visit, FORM.fresh(), {})


async def create(visit: Visit) -> Response:
    """Make it; its URL is shown this once."""
    texts = FORM.written(visit.form)
    try:
        portal, lasts_ms = passed(read_portal(visit.caller.org, FORM.body(texts, new=True)))
        token, ends_ms = await visit.services.access.portals.make_link(
            visit.caller, portal, lasts_ms
        )
    except RequestRefused as refused:
        return _form(visit, texts, FORM.placed(refused.refusals), status_of(refused))
    url = f"{visit.services.reached_at(visit.request)}{PORTAL}?link={token}"
    return visit.page("portal_link_made.html", url=url, portal_made=portal, ends_ms=ends_ms)


async def end(visit: Visit) -> Response:
    """End a link, so that it does not open any more, or a session, at once."""
    portals, org = visit.services.access.portals.current, visit.caller.org
    if link := visit.form.get("link", ""):
        if not await portals.end_link(org, link):
            raise NotFound(GONE)
        return visit.go(AT, "The link is ended: it opens nothing any more.")
    if not await portals.end_session(org, visit.form.get("session", "")):
        raise NotFound(GONE)
    return visit.go(AT, "The session is ended.")


def _form(
    visit: Visit, texts: Mapping[str, str], refusals: Mapping[str, str], status: int = 200
) -> Response:
    return visit.page(
        "portal_link_new.html",
        status,
        filled=texts,
        refusals=refusals,
        form=FORM,
        first=FIRST,
        looks=LOOKS,
    )

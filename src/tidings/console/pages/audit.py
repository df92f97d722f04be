"""The audit log: who has changed what in an org, and what of the platform belongs to none."""

from urllib.parse import quote

from starlette.responses import Response

from tidings.console.changed_by import SCOPE
from tidings.console.pages.events import log_filters, newer_rows
from tidings.console.place import PageScope
from tidings.console.saved_list import views_of_list
from tidings.console.visit import PlainVisit, Visit
from tidings.core.audit.audit_actions import summarize_action
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditEntry
from tidings.core.ids import OrgId
from tidings.engine.access.denials import demand
from tidings.errors import Forbidden
from tidings.reads.audit import audit_page, field_changes, object_name
from tidings.reads.filters import AUDIT
from tidings.store.port import AuditPage

AT = "/audit"
# Where the page of a thing is, by its kind. What is of no kind here is searched for by its id.
_PAGES = {
    "org": "/settings",
    "webhook": "/webhooks/{}",
    "user": "/access/users/{}",
    "credential": "/access",
    "source": "/sources/{}",
    "inbox": "/inboxes/{}",
    "alert_channel": "/alerts/{}",
    "event_type": "/catalogue/{}",
    "portal": "/access/portal",
    "transformation": "/transformations/{}/versions",
    "sending": "/stop",
    "connection": "/connections",
    "reference": "/reference#{}",
    "event": "/events/{}",
    "delivery": "/deliveries/{}",
    "rejection": "/rejections/{}",
    "replay": "/replays/{}",
}
_NO_PAGE = (
    "arrival",
    "audit",
    "cell",
    "consent",
    "dead_letter",
    "family",
    "incident",
    "saved_view",
    "session",
    "tail",
)
_ENDS = ("deleted", "removed")


async def show(visit: Visit) -> Response:
    """Show what was changed in the org, by whom and from where; the newest first."""
    return await _page(visit, visit.caller.org)


async def show_platform(visit: PlainVisit) -> Response:
    """Show what was changed that belongs to no org."""
    if not visit.caller.platform:
        raise Forbidden.because(
            "forbidden",
            "The platform's audit log must be read with its own credential; got an org's "
            "credential. Read your org's, or ask the operator.",
            place="session",
        )
    demand(visit.caller, SCOPE)
    return await _page(visit, PLATFORM_CHAIN)


async def _page(visit: PlainVisit, chain: int) -> Response:
    filters = log_filters.read(visit, AUDIT)
    page = AuditPage([])
    if filters.question is not None:
        page = await audit_page(visit.services, chain, filters.question)
    newer = page.entries[0].number if page.newer is None and page.entries else page.newer
    if newer_rows.asks_newer(visit):
        at = log_filters.newer_at(filters, newer)
        return newer_rows.count_newer(len(page.entries), at)
    return visit.page(
        "audit.html",
        400 if filters.refusals else 200,
        filters=filters,
        entries=page.entries,
        at=visit.at(AT),
        summarize=summarize_action,
        changes=field_changes,
        name_of=object_name,
        page_of=lambda entry: _page_of(visit, entry),
        spans=log_filters.SPANS,
        sides=log_filters.sides(filters, page.older, newer),
        zone=visit.zone,
        **await views_of_list(visit, "audit"),
    )


def _page_of(visit: PlainVisit, entry: AuditEntry) -> str | None:
    """Return the address of the page of what an entry is of; None where there is none to go to."""
    kind, id = entry.object_kind, entry.object
    if kind in _NO_PAGE or entry.action.endswith(_ENDS):
        return None
    if visit.place.org is not None:
        known = _PAGES.get(kind)
        return visit.at(f"/find?q={quote(id)}" if known is None else known.format(quote(id, "")))
    if kind == "org" and id.isascii() and id.isdigit() and int(id):
        return PageScope(OrgId(int(id))).at(_PAGES["org"])
    return visit.at("/stop-all") if kind == "sending" else None

"""Events that were refused: what is wrong with them and where, and accepting them after all."""

from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.console.json_view import body_of
from tidings.console.pages.events import newer_rows
from tidings.console.visit import Visit
from tidings.core.ids import read
from tidings.core.ids import show as show_id
from tidings.errors import RequestRefused, not_found
from tidings.reads.events.rejections import PREFIX, readmit
from tidings.reads.filters import PAGING
from tidings.reads.questions import cursors, read_question
from tidings.store.port import Rejection, RejectionPage

PAGE = 50


async def show_all(visit: Visit) -> Response:
    """List the rejected events, the newest first."""
    services, org = visit.services, visit.caller.org
    cursor = visit.request.query_params.get("cursor", "")
    page, trouble = RejectionPage([]), ""
    try:
        limit = newer_rows.limit_of(visit, PAGE)
        asked = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        question = read_question(asked, PAGING, visit.zone, visit.services.clock.now_ms())
        page = await services.store.log_rejections(
            org, question.before, question.after, question.limit
        )
    except RequestRefused as refused:
        trouble = refused.refusals[0].message
    at = cursors(page.older, page.newer)
    bar = f"?part={newer_rows.PART}" + (f"&cursor={at['newer']}" if at["newer"] else "")
    if newer_rows.asks_newer(visit):
        return newer_rows.count_newer(len(page.rejections), None if trouble else bar)
    return visit.page(
        "rejections.html",
        400 if trouble else 200,
        page=page,
        trouble=trouble,
        sides={
            "older": f"?cursor={at['older']}" if at["older"] else None,
            "newer": f"?cursor={at['newer']}" if cursor and at["newer"] else None,
            "newest": "?" if cursor else None,
            "bar": None if cursor or trouble else bar,
        },
        show=lambda number: show_id(PREFIX, number),
    )


async def moved(visit: Visit) -> Response:
    """Redirect old links of the page to its place."""
    return visit.go("/rejections")


async def show(visit: Visit) -> Response:
    """Show one rejected event, with the place of its fault marked."""
    return _page(visit, await _own(visit))


async def again(visit: Visit) -> Response:
    """Check it by today's rules, and accept it if it fits."""
    kept = await _own(visit)
    try:
        event_id, verdict = await readmit(
            visit.services.events.readmission, visit.caller.org, _id(visit)
        )
    except RequestRefused as refused:
        first = refused.refusals[0]
        return _page(visit, kept, status_of(refused), f"It is still refused. {first.message}")
    message = "Accepted after all."
    if verdict.status != "accepted":
        message = "An event with this id was accepted in the meantime; this refusal is settled."
    there = f"/events/{event_id}" if visit.may("logs:read") else "/rejections"
    return visit.go(there, message)


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


async def _own(visit: Visit) -> Rejection:
    number = read(PREFIX, _id(visit))
    kept = None
    if number is not None:
        kept = await visit.services.store.rejection(visit.caller.org, number)
    if kept is None:
        raise not_found("id", "the id of a refused event of this org, as rej_…", _id(visit))
    return kept


def _page(visit: Visit, kept: Rejection, status: int = 200, trouble: str = "") -> Response:
    kind = visit.services.events.types.get(visit.caller.org, kept.name) if kept.name else None
    visit.view_payload("rejection", _id(visit))
    return visit.page(
        "rejection.html",
        status,
        kept=kept,
        id=_id(visit),
        kind=kind,
        body=body_of(kept.body, kept.path),
        trouble=trouble,
    )

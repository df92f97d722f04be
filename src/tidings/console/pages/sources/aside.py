"""A message that a source has set aside: why, its headers and bytes, and another try of it."""

from urllib.parse import quote

from starlette.responses import Response

from tidings.console.json_view import body_of
from tidings.console.pages.sources.sources import known_by, own, redriven, summary
from tidings.console.visit import Visit
from tidings.engine.sources.live_source import LiveSource
from tidings.reads.sources import redrive_dead_letters, show_dead_letter, show_redriven
from tidings.store.port import DeadLetter


async def show(visit: Visit) -> Response:
    """Show one message that the source has set aside."""
    live = own(visit)
    return _page(visit, live, await _own(visit, live))


async def redrive(visit: Visit) -> Response:
    """Try it again, by the mapping and the rules of today."""
    live = own(visit)
    message = await _own(visit, live)
    services = visit.services
    fates = await redrive_dead_letters(
        services.web.answer_memory, services.sources.sources, live, message
    )
    if fates and fates[0].code:
        message = await _own(visit, live)
        return _page(visit, live, message, f"It is still set aside. {message.reason}")
    result = show_redriven(fates, live)
    there = f"/sources/{live.id}"
    if fates and fates[0].accepted == 1 and visit.may("logs:read") and not _foreign(live):
        there = f"/events/{quote(fates[0].first[0], safe='')}"
    return visit.go(there, redriven(result))


async def drop(visit: Visit) -> Response:
    """Forget it, for good."""
    live = own(visit)
    message = await _own(visit, live)
    await visit.services.sources.sources.drop_dead_letters(live, [message.number])
    return visit.go(f"/sources/{live.id}", "The message was dropped. It will not become an event.")


def _foreign(live: LiveSource) -> bool:
    """Return whether its events may be those of other orgs."""
    return live.caller().platform


async def _own(visit: Visit, live: LiveSource) -> DeadLetter:
    return await visit.services.sources.sources.dead_letter(
        live, str(visit.request.path_params["aside"])
    )


def _page(visit: Visit, live: LiveSource, message: DeadLetter, trouble: str = "") -> Response:
    visit.view_payload("dead_letter", str(visit.request.path_params["aside"]))
    return visit.page(
        "source_aside.html",
        409 if trouble else 200,
        one=summary(visit, live),
        message=message,
        shown=show_dead_letter(message),
        body=body_of(message.body),
        known_by=known_by,
        trouble=trouble,
    )

"""The stop switches: what one does, said first, and throwing it."""

from starlette.responses import Response

from tidings.console.changed_by import changed_by
from tidings.console.visit import PlainVisit, Visit
from tidings.engine.access.denials import demand
from tidings.engine.delivery.stops import EVERYTHING
from tidings.errors import Forbidden
from tidings.reads.webhooks.backlog import backlogs_now

AT, ALL = "/stop", "/stop-all"


async def show(visit: Visit) -> Response:
    """Show whether sending is stopped, and what stopping it would hold up now."""
    services, org = visit.services, visit.caller.org
    numbers = [record.webhook.number for record in services.webhooks.list(org)]
    lefts = await backlogs_now(services.store, services.clock, numbers)
    return visit.page(
        "stop.html",
        changed=await changed_by(visit, "sending"),
        stop=services.delivery.stops.of(org),
        everything=services.delivery.stops.of(EVERYTHING),
        waiting=sum(left.waiting for left in lefts),
    )


async def throw(visit: Visit) -> Response:
    """Stop the org, or let it go on."""
    stops, org = visit.services.delivery.stops, visit.caller.org
    if visit.form.get("do") == "stop":
        await stops.stop(org, visit.caller.credential)
        return visit.go(AT, "Sending is stopped. Events are still accepted, and wait.")
    await stops.start(org)
    return visit.go(AT, "Sending goes on.")


async def show_all(visit: PlainVisit) -> Response:
    """Show the one switch that stops every org of the service at once, and the switches of single
    orgs that are thrown."""
    _platform(visit, "admin:read")
    stops = visit.services.delivery.stops
    return visit.page(
        "stop_all.html",
        changed=await changed_by(visit, "sending"),
        everything=stops.of(EVERYTHING),
        orgs=stops.orgs,
    )


async def throw_all(visit: PlainVisit) -> Response:
    """Stop everything, or let it go on."""
    _platform(visit, "admin:write")
    stops = visit.services.delivery.stops
    if visit.form.get("do") == "stop":
        await stops.stop(EVERYTHING, visit.caller.credential)
        return visit.go(
            ALL, "Sending is stopped for all orgs. Events are still accepted, and wait."
        )
    await stops.start(EVERYTHING)
    return visit.go(ALL, "Sending has resumed for all orgs that are not stopped individually.")


def _platform(visit: PlainVisit, scope: str) -> None:
    if not visit.caller.platform:
        raise Forbidden.because(
            "forbidden",
            "Sending for all orgs must be stopped by the platform's own credential; got an org's "
            "credential. Stop only your org, or ask the operator.",
            place="session",
        )
    demand(visit.caller, scope)

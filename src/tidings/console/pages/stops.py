"""The stop switches: what one does, said first, and throwing it."""

from starlette.responses import Response

from tidings.console.frame import Visit
from tidings.console.pages.webhook_doing import KEPT_MS, unfinished
from tidings.engine.denied import Denied
from tidings.engine.stops import EVERYTHING

AT = "/console/stop"


async def show(visit: Visit) -> Response:
    """Whether sending is stopped, and what stopping it would hold up now."""
    services, org = visit.services, visit.caller.org
    numbers = [one.webhook.number for one in services.webhooks.list(org)]
    now_ms = services.clock.now_ms()
    counts = await services.store.left_each(numbers, now_ms - KEPT_MS, now_ms) if numbers else ()
    return visit.page(
        "stop.html",
        stop=services.stops.of(org),
        everything=services.stops.of(EVERYTHING),
        orgs=services.stops.orgs,
        waiting=sum(unfinished(one) for one in counts),
    )


async def throw(visit: Visit) -> Response:
    """Stop, or let go on: the org, or with `all` everything."""
    of, stops = EVERYTHING if "all" in visit.form else visit.caller.org, visit.services.stops
    if of == EVERYTHING and not visit.caller.platform:
        raise Denied(
            403,
            "forbidden",
            "Sending for all orgs must be stopped by the platform's own credential; got one of an "
            "org. Stop this org alone, or ask the operator. (forbidden, session)",
        )
    if visit.form.get("do") == "stop":
        await stops.stop(of, visit.caller.credential)
        return visit.go(AT, "Sending is stopped. Events are taken as ever, and wait.")
    await stops.start(of)
    return visit.go(AT, "Sending goes on.")

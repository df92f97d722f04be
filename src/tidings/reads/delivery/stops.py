"""The stop switches as they are shown."""

from typing import Any

from tidings.core.ids import OrgId
from tidings.core.times import iso
from tidings.engine.delivery.stops import EVERYTHING, Stops


def show_stop_of_all(stops: Stops) -> dict[str, Any]:
    """Show the one switch of all orgs, and which of them have thrown their own."""
    stop = stops.of(EVERYTHING)
    return {
        "stopped": stop is not None,
        "since": None if stop is None else iso(stop.since_ms),
        "by": None if stop is None else stop.by,
        "orgsStopped": stops.orgs,
    }


def show_stop(stops: Stops, org: OrgId) -> dict[str, Any]:
    """Show the switch of an org, and whether sending is stopped for all."""
    stop = stops.of(org)
    return {
        "orgId": org,
        "stopped": stop is not None,
        "since": None if stop is None else iso(stop.since_ms),
        "by": None if stop is None else stop.by,
        "everythingStopped": stops.of(EVERYTHING) is not None,
    }

"""Stop switches over a store in memory."""

from collections.abc import Callable

from tests.api.control_client import Clock
from tests.engine.audit.kept_log import UnkeptLog
from tests.engine.events.all_here import all_here
from tests.store.in_process import MemoryStore
from tidings.engine.delivery.stops import Stops
from tidings.engine.listeners import Listeners


def stops_over(store: MemoryStore, clock: Clock) -> Stops:
    return stops_telling(store, clock, lambda: None)


def stops_telling(store: MemoryStore, clock: Clock, changed: Callable[[], None]) -> Stops:
    switched: Listeners[()] = Listeners("a switch was thrown")
    switched.add(changed)
    return Stops(
        store=store, audit=UnkeptLog(), clock=clock, switched=switched, families=all_here()
    )

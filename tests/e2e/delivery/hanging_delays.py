"""How long messages of well receivers took beside those that hang."""

import time

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import until
from tests.loops.given_time import given_time

AT_ONCE_S, SPARE_S = 1.0, 1.5  # spare: a busy machine


def delays(
    api: Api, service: ServiceProcess, receiver: Receiver, path: str, count: int
) -> list[float]:
    """Seconds until each of so many events, half a second apart, is at the receiver: of the time
    that the machine gave."""
    begun: dict[str, float] = {}
    with given_time(service.pid) as given:
        for _ in range(count):
            event_id = new_id()
            begun[event_id] = time.monotonic()
            api.accept(event(event_id, api.org))
            time.sleep(0.5)
        until(lambda: begun.keys() <= receiver.known_ids(path), "all of them")
    arrived = {arrival.event_id: arrival.at_s for arrival in receiver.arrivals(path)}
    return [given.between(at_s, arrived[event_id]) for event_id, at_s in begun.items()]

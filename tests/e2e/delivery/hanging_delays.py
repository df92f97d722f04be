"""How long messages of well receivers took beside those that hang."""

import time

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until

AT_ONCE_S, SPARE_S = 1.0, 1.5  # spare: a busy machine


def delays(api: Api, receiver: Receiver, path: str, count: int) -> list[float]:
    """Seconds until each of so many events, half a second apart, is at the receiver."""
    begun: dict[str, float] = {}
    for _ in range(count):
        event_id = new_id()
        begun[event_id] = time.monotonic()
        api.accept(event(event_id, api.org))
        time.sleep(0.5)
    until(
        lambda: begun.keys() <= receiver.known_ids(path), "all of them", 40
    )  # shorter: its tests run alone
    arrived = {arrival.event_id: arrival.at_s for arrival in receiver.arrivals(path)}
    return [arrived[event_id] - at_s for event_id, at_s in begun.items()]

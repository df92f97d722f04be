"""What is asked of a long log: the ordinary filters and the worst, each with each other."""

import itertools
from collections.abc import Iterator

from tests.store.sqlite.log_rows import NAMES, OTHER, OWN, RARE, START_MS
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port

ORG = OrgId(1)
DAY_MS = 86_400_000


def queries() -> Iterator[port.DeliveryQuery]:
    """Of deliveries."""
    span = (START_MS, START_MS + DAY_MS)
    for webhooks, states, names, times, terms, side in itertools.product(
        (OWN, [1], [20], [OTHER], [99]),
        ((), (State.DELIVERED,), (State.FAILED,), (State.PARKED,), (State.HELD, State.PENDING)),
        ((), (NAMES[0],), (NAMES[59],), (RARE,), ("unknown",)),
        ((None, None), span, (START_MS - DAY_MS, START_MS - 1)),
        ((), ((5000).to_bytes(8, "big"),), (b"common0_",), (b"nothing_",)),
        ((None, None), (500_000, None), (None, 10)),
    ):
        yield port.DeliveryQuery(
            webhooks, [int(state) for state in states], names, *times, terms, *side, 50
        )


def fates() -> Iterator[port.EventQuery]:
    """Of events, by what became of them."""
    span = (START_MS, START_MS + DAY_MS)
    for webhooks, states, names, times, terms, side in itertools.product(
        (OWN, [1], [20], [OTHER], [99]),
        ((), (State.DELIVERED,), (State.FAILED,), (State.PARKED,), (State.HELD, State.PENDING)),
        ((), (NAMES[0],), (NAMES[59],), (RARE,), ("unknown",)),
        ((None, None), span, (START_MS - DAY_MS, START_MS - 1)),
        ((), ((5000).to_bytes(8, "big"),), (b"common0_",)),
        ((None, None), (500_000, None), (None, 10)),
    ):
        asked = [int(state) for state in states]
        yield port.EventQuery(ORG, names, *times, terms, None, *side, 200, (), webhooks, asked)

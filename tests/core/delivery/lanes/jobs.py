"""Lanes and their jobs as the tests begin with them."""

from tidings.core.delivery.body_memory import WindowBudget
from tidings.core.delivery.job import Job
from tidings.core.delivery.lane import Lane
from tidings.core.ids import DeliveryId, OrgId


def job(delivery: int, *, size: int = 10, retry: bool = False, key: int | None = None) -> Job:
    """A delivery that may be sent."""
    return Job(
        DeliveryId(delivery),
        1,
        OrgId(7),
        f"e{delivery}",
        0,
        2 if retry else 1,
        key,
        retry,
        b"x" * size,
    )


def lane_of(cap: int = 100, rate: float | None = None, bytes_max: int = 1 << 30) -> Lane:
    """A lane with a budget of its own."""
    return Lane(cap, rate, WindowBudget(bytes_max))


def started(lane: Lane, count: int = 1000, now_s: float = 0.0) -> list[int]:
    """What starts while slots are free, up to `count`."""
    found: list[int] = []
    while len(found) < count and (one := lane.start(now_s)) is not None:
        found.append(one.delivery)
    return found


def end_all(lane: Lane) -> None:
    """Everything that runs is delivered, and written."""
    for delivery, attempt in list(lane.unsettled_attempts.items()):
        lane.ended(delivery, slow=False, delivered=True)
        lane.settled(delivery, attempt)

"""What may happen to a delivery that waits, as it is written now and as it was before: when a wait
was an attempt that had failed."""

from tests.api.control_client import Service
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitsFor
from tidings.core.ids import DeliveryId
from tidings.store import port

QUIET = (
    "It is quiet for the customer until 08:00:00Z (UTC), by quiet of the action; it is done then."
)
# By name: what happens to a delivery in turn.
COURSES: dict[str, tuple[str, ...]] = {
    "waits": ("wait",),
    "waits twice": ("wait", "wait"),
    "waits, then done": ("wait", "done"),
    "waits twice, then done": ("wait", "wait", "done"),
    "waits, then failed once": ("wait", "fail"),
    "failed once, then waits": ("fail", "wait"),
    "failed once, waits, then done": ("fail", "wait", "done"),
    "waits, then cancelled": ("wait", "cancel"),
    "failed once, waits, then cancelled": ("fail", "wait", "cancel"),
}


def settlement(
    step: str, delivery: DeliveryId, number: int, attempt: int, now_ms: int, *, before: bool
) -> port.Settlement:
    """A step's settlement; `before`: as it was when a wait was an attempt."""
    if step == "wait" and not before:
        return port.Settlement(
            *(delivery, number, None, State.WAITING, attempt, 1, now_ms, 0, None, 1),
            waits=WaitsFor("quiet", QUIET),
        )
    state = State.DELIVERED if step == "done" else State.RETRYING
    kind = FaultKind.WAITS if step == "wait" else None
    evidence = port.Evidence(kind, QUIET if step == "wait" else "", (), b"", False)
    status = {"wait": None, "fail": 503, "done": 200}[step]
    took_ms = 0 if step == "wait" else 7
    return port.Settlement(
        *(delivery, number, None, state, attempt, 1, now_ms, took_ms, status),
        *(None if step == "done" else 1, evidence),
    )


async def run(s: Service, number: int, delivery: DeliveryId, course: str, *, before: bool) -> None:
    """Have its steps happen, an hour apart."""
    attempt, steps = 1, COURSES[course]
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        now_ms = s.clock.now_ms()
        if step == "cancel":
            cancel = port.CancelSlice([delivery], "me")
            await s.store.commit(port.Batch(s.registry.version, cancels=[cancel]))
            continue
        settled = settlement(step, delivery, number, attempt, now_ms, before=before)
        await s.store.commit(port.Batch(s.registry.version, settled=[settled]))
        s.clock.ms += 3_600_000
        if following not in (None, "cancel"):
            claims = [port.RetryClaim(number, 10)]
            receipt = await s.store.commit(port.Batch(s.registry.version, claims=claims))
            [attempt] = [job.attempt for job in receipt.claimed]

"""What a request costs: verified, parsed, noted and handled, by the processor's time."""

import json
import re
import time
from collections.abc import Callable
from hashlib import sha256
from hmac import digest

from tidings_consumer import Event, Router
from tidings_consumer.testing import SECRET, signed

COUNT, ROUNDS = 400, 12
US_MAX = 60.0
REFERENCE_US = 23.5
"""What `reference` takes on the machine on which `US_MAX` is meant: docs/measured/consumer.md."""
BYTES = 1024
FIELDS = {"customerIdentifiers": {"customerId": 5}, "lines": [{"sku": n} for n in range(20)]}
_WORD = re.compile(r"[a-z]+")


def us(call: Callable[[], object]) -> float:
    """For each of `COUNT`, of this thread alone."""
    begun = time.thread_time()
    call()
    return (time.thread_time() - begun) / COUNT * 1e6


def reference(body: bytes) -> int:
    """A fixed amount of work of the same kinds: JSON, a hash, small texts and dictionaries."""
    json.loads(body)
    digest(b"k" * 32, body, sha256)
    for name in ("alpha", "beta", "gamma", "delta") * 6:
        found = {name.title(): _WORD.fullmatch(name), name: name.encode()}
        if isinstance(found.get(name), str):
            raise ValueError(name)
    return len(body)


def test_an_event_of_a_kilobyte_costs_at_most_60_us() -> None:
    """Against work of a fixed amount in the same rounds, so that neither a slow machine nor a busy
    one decides; of each the best round."""
    event = {"eventName": "pointsIssued", "orgId": 7, "data": FIELDS, "note": ""}
    event["note"] = "n" * (BYTES - len(signed(event).body))
    requests = [signed(event, SECRET, id=f"evt_{number}") for number in range(COUNT)]
    assert {len(request.body) for request in requests} == {BYTES}
    handled: list[str] = []

    def handle(event: Event[object]) -> None:
        handled.append(event.id)

    ours, fixed = [], []
    for _ in range(ROUNDS):
        router = Router(SECRET)
        router.on("pointsIssued")(handle)
        ours.append(us(lambda router=router: [router.receive(*request) for request in requests]))  # type: ignore[misc]
        fixed.append(us(lambda: [reference(request.body) for request in requests]))
    assert len(handled) == COUNT * ROUNDS
    ratio = min(ours) / min(fixed)
    print(f"{min(ours):.1f} µs; reference {min(fixed):.1f} µs; ratio {ratio:.2f}")
    assert ratio <= US_MAX / REFERENCE_US

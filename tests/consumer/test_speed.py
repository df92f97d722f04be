"""What a request costs: verified, parsed, noted and handled, by the processor's time."""

import json
import re
import threading
import time
from collections.abc import Callable, Generator
from hashlib import sha256
from hmac import digest
from statistics import median

from tidings_consumer import Event, Router
from tidings_consumer.testing import SECRET, signed

COUNT, ROUNDS = 400, 12
US_MAX = 60.0
SLICES = 20
REFERENCE_US = 42.3
"""What `reference` takes on the machine on which `US_MAX` is meant: docs/measured/consumer.md."""
BYTES = 1024
FIELDS = {"customerIdentifiers": {"customerId": 5}, "lines": [{"sku": n} for n in range(20)]}
_WORD = re.compile(r"[a-z]+")


def cpu_s(call: Callable[[], object]) -> float:
    """Of this thread alone."""
    begun = time.thread_time()
    call()
    return time.thread_time() - begun


def reference(body: bytes) -> int:
    """Do a fixed amount of work of the same kinds: JSON, a hash, small texts, dictionaries, and
    steps of a generator, small objects, locks. Processors differ in how fast they are at each."""
    json.loads(body)
    digest(b"k" * 32, body, sha256)
    for name in ("alpha", "beta", "gamma", "delta") * 6:
        found = {name.title(): _WORD.fullmatch(name), name: name.encode()}
        if isinstance(found.get(name), str):
            raise ValueError(name)
    for number in range(11):
        steps = _steps(_Box(number, threading.Lock()))
        try:
            step = next(steps)
            while True:
                step = steps.send(step.taken())
        except StopIteration:
            pass
    return len(body)


class _Box:
    def __init__(self, number: int, lock: threading.Lock) -> None:
        self._number = number
        self._lock = lock
        self._seen: dict[str, int] = {}

    def taken(self) -> int:
        with self._lock:
            return self._seen.setdefault("box", self._number)


def _steps(box: _Box) -> Generator[_Box, int, None]:
    for _ in range(3):
        if (yield box) < 0:
            raise ValueError("below zero")


def test_an_event_of_a_kilobyte_costs_at_most_60_us() -> None:
    """Against work of a fixed amount, by turns with it, so that neither a slow machine nor a busy
    one decides."""
    event = {"eventName": "pointsIssued", "orgId": 7, "data": FIELDS, "note": ""}
    event["note"] = "n" * (BYTES - len(signed(event).body))
    requests = [signed(event, SECRET, id=f"evt_{number}") for number in range(COUNT)]
    assert {len(request.body) for request in requests} == {BYTES}
    handled: list[str] = []

    def handle(event: Event[object]) -> None:
        handled.append(event.id)

    ratios = []
    for _ in range(ROUNDS):
        router = Router(SECRET)
        router.on("pointsIssued")(handle)
        ours = fixed = 0.0
        for first in range(0, COUNT, COUNT // SLICES):  # by turns, under the same neighbours
            few = requests[first : first + COUNT // SLICES]
            ours += cpu_s(lambda few=few, router=router: [router.receive(*call) for call in few])  # type: ignore[misc]
            fixed += cpu_s(lambda few=few: [reference(call.body) for call in few])  # type: ignore[misc]
        ratios.append(ours / fixed)
        print(f"{ours / COUNT * 1e6:.1f} µs; reference {fixed / COUNT * 1e6:.1f} µs")
    assert len(handled) == COUNT * ROUNDS
    assert median(ratios) <= US_MAX / REFERENCE_US

"""What is seen while the database has a primary, and commits wait for a standby that is away."""

import time
from dataclasses import dataclass, field

from tests.drills.hooks import Hooks
from tests.drills.pair import Pair
from tests.drills.sender import Sender
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.service import KEY, ORG, SECRET
from tidings.core.running.lease import LEASE_S

PATIENT_S = 15.0  # of a caller: as long as platforms wait for an answer
LOOK_S = 1.0


@dataclass
class StandbyAway:
    """`answers`: of each service's calls to accept, the status with how long it took, and whether
    it named a time to wait; 0 where no answer came."""

    acknowledged: int = 0
    arrived_late: int = 0  # at receivers, once every lease was over
    answers: list[tuple[int, float, bool]] = field(default_factory=list)


def watch(pair: Pair, hooks: Hooks, sender: Sender, seconds: float) -> StandbyAway:
    """Look for so long, at least until the leases of before are over."""
    began_s, found = time.monotonic(), StandbyAway()
    before = len(sender.acknowledged)
    time.sleep(LEASE_S)
    arrived = hooks.arrivals()
    while time.monotonic() - began_s < seconds:
        for service in pair.services:
            found.answers.append(_ask(Api(service.port, f"{KEY}:{SECRET}", seconds=PATIENT_S)))
        time.sleep(LOOK_S)
    found.acknowledged = len(sender.acknowledged) - before
    found.arrived_late = hooks.arrivals() - arrived
    return found


def _ask(line: Api) -> tuple[int, float, bool]:
    began_s = time.monotonic()
    try:
        with line:
            reply = line.post(event(new_id(), ORG))
    except OSError:
        return 0, time.monotonic() - began_s, False
    return reply.status, time.monotonic() - began_s, "retry-after" in reply.headers

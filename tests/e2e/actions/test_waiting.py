"""5,000 actions that wait, over an upgrade and five kills of all processes: each is done once."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.actions.brand_api import BrandApi
from tests.e2e.actions.killed import SECRET, Platform
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.store.books import ask, sound
from tests.e2e.harness.until import until
from tests.stand_ins.apart import Apart
from tests.store.before_waiting import make_old

pytestmark = [pytest.mark.systems, pytest.mark.timeout(580)]

EVENTS, CUSTOMERS = 5_000, 200
AFTER_S = (30, 150)  # until all have been sent and looked at, on a machine that is slower
KILLED_AT = (0.0, 0.0, 0.1, 0.4, 0.8)  # of what is done; the first while all of it waits
BOUND_S = 240
WAITING, DELIVERED = 7, 3
FILE = f"""
org = {ORG}

[source]
name = "platform"
verification = {{{{type = "header", header = "X-Key", value = "{SECRET}"}}}}

[actions.credits]
types = ["pointsIssued"]
after = "{{after_s}}s"
[actions.credits.call]
url = "http://127.0.0.1:{{port}}/credits"
idempotency = "Idempotency-Key"
[actions.credits.call.json]
event = {{{{path = "event.eventId"}}}}
customer = {{{{path = "event.data.customerIdentifiers.customerId"}}}}
number = {{{{path = "event.data.totalPointsIssued"}}}}
"""


def states(service: ServiceProcess) -> dict[int, int]:
    """Count the deliveries by state."""
    time.sleep(0.1)
    found = ask(service.data, "SELECT state, count(*) FROM delivery GROUP BY 1")
    return {int(state): int(count) for state, count in found}


def attempts(service: ServiceProcess) -> int:
    """Count the rows of attempts that ended without a call."""
    [(count,)] = ask(service.data, "SELECT count(*) FROM attempt WHERE kind = 'waits'")
    return int(count)


def sent_to(service: ServiceProcess) -> Platform:
    """All events, sent and looked at; the service has stopped."""
    platform = Platform(service.port, EVENTS, CUSTOMERS)
    platform.start()
    try:
        platform.join()
    finally:
        platform.given_up = True
    until(lambda: states(service).get(0, 0) == 0, "all was looked at", BOUND_S)
    assert service.stop() == 0
    return platform


def test_what_waits_is_done_once_over_an_upgrade_and_five_kills(
    own_service: NewService, tmp_path: Path
) -> None:
    for after_s in AFTER_S:
        with Apart(BrandApi) as api:
            file = tmp_path / "actions.toml"
            file.write_text(FILE.format(port=api.port, after_s=after_s))
            service = own_service(actions=file).start()
            platform = sent_to(service)
            if states(service) == {WAITING: EVENTS}:
                upgrade_and_kill(service, platform, api)
                break
            service.end()  # the first were due before the last was there
    else:
        raise AssertionError(f"all is to wait: {EVENTS} events take longer than {AFTER_S[-1]} s")


def upgrade_and_kill(service: ServiceProcess, platform: Platform, api: Apart) -> None:
    """All of it waits, and is done once."""
    rng = random.Random(29)
    assert attempts(service) == 0
    waited = make_old(service.data)
    service.start()
    assert waited == EVENTS and attempts(service) == 0, "what waited is no attempt any more"
    for share in KILLED_AT:
        until(
            lambda s=share: api.count("credits") >= s * EVENTS,  # type: ignore[misc]
            "acts before a kill",
            BOUND_S,
        )
        time.sleep(rng.uniform(0, 0.3))
        service.kill_all()
        service.start()
    until(lambda: states(service) == {DELIVERED: EVENTS}, "every action is done", BOUND_S)
    done = Counter(effect["event"] for effect in api.done())
    assert service.stop() == 0
    assert set(done) == set(platform.told.values())
    assert set(done.values()) == {1}, "each once"
    assert attempts(service) == 0 and sound(service.data)

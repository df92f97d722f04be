"""The audit log through kills: a change and its entry are there, or neither."""

import random
import threading
import time
from collections.abc import Callable

import pytest

from tests.e2e.audit.verified_log import agree, anchor_lines, new_org, rename, verified
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.store.books import sound
from tests.e2e.harness.until import until

pytestmark = pytest.mark.systems

NewService = Callable[..., ServiceProcess]
ROUNDS = 10


class Renaming:
    """Changes an org's name without a pause, until its service is gone; what was acknowledged."""

    def __init__(self, service: ServiceProcess, org: int, prefix: str) -> None:
        self.acknowledged: list[str] = []
        self._service, self._org, self._prefix = service, org, prefix
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def has_begun(self) -> bool:
        return bool(self.acknowledged)

    def stop(self) -> list[str]:
        """End it; what was acknowledged."""
        self._ends.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.acknowledged

    def _run(self) -> None:
        number = 0
        try:
            with self._service.api() as api:
                while not self._ends.is_set():
                    number += 1
                    name = f"{self._prefix}-{number}"
                    if rename(api, self._org, name) == 200:
                        self.acknowledged.append(name)
        except (OSError, EOFError, ValueError):
            return  # killed under the call


@pytest.mark.parametrize("what", ["writer", "service"])
def test_through_kills_there_is_no_change_without_its_entry_and_no_entry_without_its_change(
    own_service: NewService, what: str
) -> None:
    rng = random.Random()
    service = own_service().start()
    with service.api() as api:
        orgs = [new_org(api), new_org(api)]
    acknowledged: dict[int, list[str]] = {org: [] for org in orgs}
    for number in range(ROUNDS):
        pumps = {org: Renaming(service, org, f"r{number}") for org in orgs}
        for pump in pumps.values():
            until(pump.has_begun, "the first change")
        time.sleep(rng.uniform(0, 0.2))  # the moment is any
        if what == "writer":
            service.store_child("write").kill()
        assert what != "writer" or service.wait() == 1, "without its store it ends"
        service.end()
        for org, pump in pumps.items():
            acknowledged[org] += pump.stop()
        for org in orgs:
            agree(service.data, org, acknowledged[org])
        service.start()
    assert service.stop() == 0 and sound(service.data)
    for org in orgs:
        agree(service.data, org, acknowledged[org])
    assert verified(service.data, "--anchor", anchor_lines(service)[-1])["faults"] == []

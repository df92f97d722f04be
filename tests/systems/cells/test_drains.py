"""A drain of a webhook whose org is in another cell than the process that is asked."""

from typing import Any

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import until

from ...e2e.harness.fixtures import NewService
from .by_hand import make_two_cells, on_directories
from .hosted import all_owned, is_known_everywhere, line, sent, workers

pytestmark = pytest.mark.systems
WAITING = 5
HOURS = {"delaysInSeconds": [7200, 7200, 7200]}


@pytest.fixture
def host(own_service: NewService) -> ServiceProcess:
    """A service of two cells whose processes know the platform's credential."""
    service = own_service()
    make_two_cells(on_directories(service.data))
    service.start()
    until(lambda: all_owned(service), "an owner of each cell")
    until(lambda: is_known_everywhere(service), "the platform's credential at each process")
    return service


def waiting(org: Api, webhook: str) -> int:
    page = org.get(f"/v1/deliveries?webHookId={webhook}&states=retrying&limit=200").must(200)
    return len(page["deliveries"])


def test_either_process_drains_a_webhook_of_either_cell(
    host: ServiceProcess, receiver: Receiver
) -> None:
    orgs: list[int] = []
    for still in workers(host).values():
        with line(host, still) as api:
            orgs.append(sent(api, "POST", "/v1/orgs", {"name": "A brand"}).must(201)["id"])
    for at, org in enumerate(orgs):
        path = receiver.path(status=500)
        with host.api(org) as api:
            hook = api.webhook(receiver.url(path), retryPolicy=HOURS)["webHookId"]
            api.accept(b"[" + b",".join(event(new_id(), org) for _ in range(WAITING)) + b"]")
            until(lambda api=api, hook=hook: waiting(api, hook) == WAITING, "they wait")  # type: ignore[misc]
        receiver.plan(path, status=200)
        drain = f"/v1/webHooks/{hook}/drain"
        still = list(workers(host).values())[1 - at]  # so that each process is asked once
        auth = f"{KEY}:{SECRET}"
        with line(host, still, auth) as api:
            begun = api.call("POST", drain, b"", {"x-tidings-org": str(org)})
            assert begun.must(202)["queued"] == WAITING
        with host.api(org) as api:

            def over(api: Api = api, drain: str = drain) -> dict[str, Any] | None:
                found: dict[str, Any] = api.get(drain).must(200)
                return None if found["state"] in ("probing", "draining") else found

            done = until(over, "it is over")
            assert (done["state"], done["delivered"], done["left"]) == ("done", WAITING, 0)

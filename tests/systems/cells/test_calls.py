"""One public port before two cells, with real processes: whichever of them takes a call, it is
answered by the owner of its org."""

import pytest

from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import until

from ...e2e.harness.fixtures import NewService
from .by_hand import make_two_cells, on_directories
from .hosted import all_owned, is_known_everywhere, line, sent, workers

pytestmark = pytest.mark.systems
SCOPES = {"events": "write", "webhooks": "write", "logs": "read"}


@pytest.fixture
def host(own_service: NewService) -> ServiceProcess:
    """A service of two cells whose processes know the platform's credential."""
    service = own_service()
    make_two_cells(on_directories(service.data))
    service.start()
    until(lambda: all_owned(service), "an owner of each cell")
    until(lambda: is_known_everywhere(service), "the platform's credential at each process")
    return service


def test_what_is_made_at_one_process_is_in_force_at_the_other(host: ServiceProcess) -> None:
    orgs: list[int] = []
    for still in workers(host).values():
        with line(host, still) as api:
            for name in ("a", "b"):
                orgs.append(sent(api, "POST", "/v1/orgs", {"name": name}).must(201)["id"])
    assert len({*orgs}) == 4
    keys = {}
    for still in workers(host).values():
        with line(host, still) as api:
            for org in orgs:
                asked = {"name": "all", "scopes": SCOPES}
                path = f"/v1/orgs/{org}/credentials"
                keys[org] = sent(api, "POST", path, asked).must(201)
    for still in workers(host).values():
        for org, made in keys.items():
            with line(host, still, f"{made['id']}:{made['secret']}") as own:
                assert own.get("/v1/caller").must(200)["orgId"] == org
        with line(host, still) as api:
            data = {"totalPointsIssued": 5, "customerIdentifiers": {"customerId": 7}}
            events = [{"eventName": "pointsIssued", "orgId": org, "data": data} for org in orgs]
            assert sent(api, "POST", "/v1/events", events).must(202)["accepted"] == len(orgs)
    for still in workers(host).values():
        for made in keys.values():
            with line(host, still, f"{made['id']}:{made['secret']}") as own:
                assert len(own.get("/v1/events").must(200)["events"]) == 2

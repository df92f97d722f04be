"""A service that the guides share, and those who follow them: each has an org of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.guides.brand import Brand
from tests.docs.guides.follower import Follower
from tests.e2e.harness.fixtures import own_service
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tidings.core.access.scopes import RESOURCES

__all__ = ["own_service"]


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    made = ServiceProcess(tmp_path_factory.mktemp("guides") / "data")
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture
def brand(service: ServiceProcess) -> Iterator[Brand]:
    """A new org, with a credential that may do all that the guides do."""
    with service.api() as api:
        org = api.send("POST", "/v1/orgs", {"name": "Acme"}).must(201)["id"]
        body = {"name": "guides", "scopes": dict.fromkeys(RESOURCES, "write")}
        made = api.send("POST", f"/v1/orgs/{org}/credentials", body).must(201)
    with service.api(org) as api:
        yield Brand(api, f"{made['id']}:{made['secret']}")


@pytest.fixture
def follower(service: ServiceProcess, brand: Brand, tmp_path: Path) -> Iterator[Follower]:
    """Somebody of the org, at a service that runs."""
    follower = Follower(tmp_path, service.port, TIDINGS_KEY=brand.key)
    try:
        yield follower
    finally:
        follower.leave()


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Callable[[ServiceProcess], Follower]]:
    """Who runs a service, with the platform's own credential."""
    made: list[Follower] = []

    def operator_of(service: ServiceProcess) -> Follower:
        made.append(Follower(tmp_path, service.port, TIDINGS_KEY=f"{KEY}:{SECRET}"))
        return made[-1]

    yield operator_of
    for follower in made:
        follower.leave()

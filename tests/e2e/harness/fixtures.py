"""Fixtures of the end-to-end suites and of tests/systems."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .api import Api
from .receiver import Receiver
from .service import ServiceProcess

NewService = Callable[..., ServiceProcess]


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Receivers in a process of their own; each test takes new paths."""
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A running service that the tests of a module share; each works in an org of its own."""
    made = ServiceProcess(tmp_path_factory.mktemp("service") / "store")
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[NewService]:
    """Makes services of a test's own, not started; what still runs at the end is killed."""
    made: list[ServiceProcess] = []

    def make(**settings: object) -> ServiceProcess:
        data = tmp_path / f"store-{len(made)}"
        service = ServiceProcess(settings.pop("data", data), **settings)  # type: ignore[arg-type]
        made.append(service)
        return service

    yield make
    for service in made:
        service.end()


@pytest.fixture
def new_org(service: ServiceProcess) -> Iterator[Callable[..., Api]]:
    """Makes orgs, each as a client that acts for it."""
    made: list[Api] = []
    platform = service.api()

    def make(**fields: object) -> Api:
        org = platform.send("POST", "/v1/orgs", {"name": "An org"} | fields).must(201)["id"]
        made.append(service.api(org))
        return made[-1]

    yield make
    for api in (platform, *made):
        api.close()


@pytest.fixture
def api(new_org: Callable[..., Api]) -> Api:
    """A client that acts for an org of the test's own."""
    return new_org()

"""The real service, a service that does as it is told, and PostgreSQL."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.harness.fixtures import api, new_org, own_service, receiver, service
from tests.postgres_server import PostgresServer, shared_server
from tests.producer.told import ToldService
from tidings_producer import Producer
from tidings_producer.backoff import Backoff

__all__ = ["api", "new_org", "own_service", "receiver", "service"]


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    """A server that the tests of a process share; each has a database of its own."""
    return shared_server()


@pytest.fixture
def told() -> Iterator[ToldService]:
    """A service of the test's own, which answers as it is told."""
    with ToldService() as made:
        yield made


@pytest.fixture
def to_told(told: ToldService) -> Iterator[Callable[..., Producer]]:
    """Makes producers that send to it and wait little between tries; closed at the end."""
    made: list[Producer] = []

    def make(**settings: object) -> Producer:
        quick = Backoff(lambda: 0.02)
        defaults: dict[str, object] = {"backoff": quick, "timeout_s": 10.0, "linger_s": 0.0}
        made.append(Producer(told.url, "tdk_1", "hush", **defaults | settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for producer in made:
        producer.close(0.0)

"""The real service, and real servers for stores of ids."""

from collections.abc import Iterator

import pytest

from tests.consumer.servers import Servers, running
from tests.e2e.harness.fixtures import own_service

__all__ = ["own_service"]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Started when they are asked for."""
    yield from running(tmp_path_factory.mktemp("servers"))

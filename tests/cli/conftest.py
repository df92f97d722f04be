"""A service process that the tests of a module share, and the command against an org of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import new_org, receiver, service
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess

__all__ = ["new_org", "receiver", "service"]


@pytest.fixture
def org(new_org: Callable[..., Api]) -> Api:
    """A client that acts for an org of the test's own, whose events are not checked."""
    return new_org(settings={"validation": "off"})


@pytest.fixture
def tidings(service: ServiceProcess, org: Api, tmp_path: Path) -> Iterator[Command]:
    """The command, with the platform's credential, for the test's org."""
    yield Command(
        tmp_path,
        TIDINGS_URL=f"http://127.0.0.1:{service.port}",
        TIDINGS_KEY=f"{KEY}:{SECRET}",
        TIDINGS_ORG=str(org.org),
    )


@pytest.fixture
def hook(org: Api, receiver: Receiver) -> dict[str, Any]:
    """A webhook named crm whose receiver answers 200."""
    return org.webhook(receiver.url(receiver.path()))


@pytest.fixture
def failing(org: Api, receiver: Receiver) -> dict[str, Any]:
    """A webhook named shop whose receiver answers 400."""
    return org.webhook(receiver.url(receiver.path(status=400)), "shop")

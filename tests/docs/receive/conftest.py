"""A service, and readers who follow the pages beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.receive.reader import Reader
from tests.e2e.harness.service import ServiceProcess


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    made = ServiceProcess(tmp_path_factory.mktemp("service") / "data")
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture
def reader(service: ServiceProcess, tmp_path: Path) -> Iterator[Reader]:
    one = Reader(tmp_path, service)
    try:
        yield one
    finally:
        one.leave()
        if one.signed_in:
            one.type("tidings webhooks delete shop --yes")  # its name is the next reader's

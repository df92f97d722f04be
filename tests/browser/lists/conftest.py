"""A service of this folder's own, whose lists are long, and a reader of it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, StorageState

from ...e2e.harness.receiver import Receiver
from ...e2e.harness.service import KEY, SECRET, ServiceProcess
from ..chrome import Reader, made_readers
from .crowd import Crowd, actions, connections

LookedThrough = Callable[..., Reader]


@pytest.fixture(scope="package")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service."""
    place = tmp_path_factory.mktemp("lists")
    (place / "connections.toml").write_text(connections())
    (place / "actions.toml").write_text(actions())
    made = ServiceProcess(
        place / "store",
        connections=place / "connections.toml",
        actions=place / "actions.toml",
    )
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture(scope="package")
def crowd(crowded: ServiceProcess, receiver: Receiver) -> Crowd:
    """An org in which each list is longer than a screen."""
    return Crowd(crowded, receiver)


@pytest.fixture(scope="package")
def signed_in(browser: Browser, crowded: ServiceProcess) -> StorageState:
    """The cookies of one sign-in."""
    with Reader(browser, f"http://127.0.0.1:{crowded.port}") as one:
        one.sign_in(KEY, SECRET)
        return one.context.storage_state()


@pytest.fixture
def look(
    browser: Browser, crowded: ServiceProcess, signed_in: StorageState
) -> Iterator[LookedThrough]:
    """Makes readers who are signed in; at the end, none of them may have met an error."""
    with made_readers(browser, f"http://127.0.0.1:{crowded.port}") as made:
        yield lambda width, **more: made(width=width, storage_state=signed_in, **more)

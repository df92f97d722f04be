"""One browser and one service with traffic, for all tests of this folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, StorageState, sync_playwright

from ..e2e.harness import acting
from ..e2e.harness.api import Api
from ..e2e.harness.fixtures import receiver
from ..e2e.harness.mail_server import MailServer
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from .chrome import Reader, launch, made_readers
from .world import World

__all__ = ["receiver"]

CONNECTIONS = """
[main]
type = "kafka"
orgs = "all"
servers = "127.0.0.1:1,127.0.0.1:2"
security = "sasl_plaintext"
username = "tidings"
password = "a-password-of-the-broker"
topics = ["loyalty.*", "orders"]

[shop-of-the-north]
type = "outbox"
host = "/nowhere/at/all"
"""
NewReader = Callable[..., Reader]
NewOrg = Callable[[], Api]


@pytest.fixture(scope="package")
def playwright_started() -> Iterator[Playwright]:
    """Ended with this folder: its event loop must not run under the tests of others."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright_started: Playwright) -> Iterator[Browser]:
    """One browser for all."""
    made = launch(playwright_started)
    yield made
    made.close()


@pytest.fixture(scope="package")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service."""
    place = tmp_path_factory.mktemp("console")
    (place / "connections.toml").write_text(CONNECTIONS)
    mail = MailServer(place / "mails")
    mail.start()
    made = ServiceProcess(
        place / "store",
        connections=place / "connections.toml",
        actions=acting.write(place, mail),
    )
    try:
        yield made.start()
    finally:
        made.end()
        mail.kill()


@pytest.fixture(scope="package")
def world(console: ServiceProcess, receiver: Receiver) -> World:
    """An org with simulated traffic: good webhooks and bad ones, an inbox, refused events."""
    return World(console, receiver, ORG)


@pytest.fixture(scope="package")
def session(browser: Browser, console: ServiceProcess) -> StorageState:
    """The cookies of one sign-in, for all readers: the service takes few sign-ins a minute."""
    with Reader(browser, f"http://127.0.0.1:{console.port}") as one:
        one.sign_in(KEY, SECRET)
        return one.context.storage_state()


@pytest.fixture
def reader(browser: Browser, console: ServiceProcess, session: StorageState) -> Iterator[NewReader]:
    """Makes readers who are signed in; at the end, none of them may have met an error."""
    with made_readers(browser, f"http://127.0.0.1:{console.port}") as made:

        def make(*, signed_in: bool = True, **more: object) -> Reader:
            if not signed_in:
                return made(**more)
            one = made(storage_state=session, **more)
            one.go("/console/sessions")
            return one

        yield make


@pytest.fixture
def new_org(console: ServiceProcess) -> NewOrg:
    """Makes orgs of the test's own; a client for each."""

    def make() -> Api:
        with console.api() as platform:
            made = platform.send("POST", "/v1/orgs", {"name": "A brand"}).must(201)
        return console.api(made["id"])

    return make


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where pictures of pages are written, for people: TIDINGS_SCREENSHOTS; nowhere without it."""
    named = os.environ.get("TIDINGS_SCREENSHOTS")
    if not named:
        return None
    place = Path(named)
    place.mkdir(parents=True, exist_ok=True)
    return place

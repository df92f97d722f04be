"""The portal in a frame of another site: it works where it may, and is not shown elsewhere.

The page around it stands on `localhost`, the service on `127.0.0.1`: two sites for a browser, both
of which it trusts with secure cookies. Chromium runs as it comes, and once more with the cookies of
third parties blocked, as other browsers do by default; that it blocks them is seen first.
"""

import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.product import BLOCKED, Product

from ..e2e.harness.api import Api
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import ServiceProcess
from .chrome import Reader, launch

pytestmark = pytest.mark.systems


@pytest.fixture
def product() -> Iterator[Callable[[], int]]:
    """Starts products of the platform, each an origin of its own; their ports."""
    servers: list[ThreadingHTTPServer] = []

    def start() -> int:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Product)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module", params=[False, True], ids=["as it comes", "cookies blocked"])
def chromium(
    request: pytest.FixtureRequest, browser: Browser, playwright_started: Playwright
) -> Iterator[tuple[Browser, bool]]:
    """The browser, and whether it blocks the cookies of third parties."""
    if not request.param:
        yield browser, False
        return
    made = launch(playwright_started, BLOCKED)
    yield made, True
    made.close()


@pytest.fixture
def brand(console: ServiceProcess, receiver: Receiver) -> Iterator[Api]:
    """An org of the test's own with one webhook."""
    with console.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "A brand"}).must(201)["id"]
    with console.api(org) as api:
        api.webhook(receiver.url(receiver.path()), "Of the brand")
        yield api


def portal_link(brand: Api, *origins: str) -> str:
    """A link to a portal that pages of these origins may hold."""
    body = {"name": "Acme Loyalty", "role": "operator", "embedIn": list(origins)}
    return str(brand.send("POST", f"/v1/orgs/{brand.org}/portal-links", body).must(201)["url"])


def around(page: Page, port: int, framed: str) -> None:
    """Open the product's page with something in its frame."""
    page.goto(f"http://localhost:{port}/around?frame={framed}")


def test_a_portal_in_a_frame_of_another_site_works(
    chromium: tuple[Browser, bool], product: Callable[[], int], brand: Api
) -> None:
    browser, blocks = chromium
    port = product()
    with Reader(browser, f"http://localhost:{port}") as one:
        if blocks:
            third = f"http://127.0.0.1:{product()}/plain"
            for _ in range(2):
                around(one.page, port, third)
                expect(one.page.frame_locator("iframe").locator("body")).to_have_text(
                    "cookies: none"
                )
        around(one.page, port, portal_link(brand, f"http://localhost:{port}"))
        frame = one.page.frame_locator("iframe")
        expect(frame.locator(".brand")).to_contain_text("Acme Loyalty")
        frame.get_by_role("link", name="Webhooks", exact=True).click()
        frame.get_by_role("link", name="Of the brand").click()
        frame.get_by_role("button", name="Pause").click()
        expect(frame.get_by_text("New deliveries are queued")).to_be_visible()
        expect(frame.locator(".head .state")).to_contain_text("paused")
        [made] = brand.get("/v3/webHooks").must(200)["data"]
        assert made["standing"] == "paused", made
        kept = [cooky for cooky in one.context.cookies() if "tidings-portal" in cooky["name"]]
        assert len(kept) == 1 and kept[0]["sameSite"] == "None" and kept[0]["httpOnly"], kept


def test_a_page_of_another_origin_cannot_hold_the_portal(
    chromium: tuple[Browser, bool], product: Callable[[], int], brand: Api
) -> None:
    browser, _ = chromium
    allowed, other = product(), product()
    link = portal_link(brand, f"http://localhost:{allowed}")
    one = Reader(browser, f"http://localhost:{other}")
    with one.page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        around(one.page, other, link)
    [_, frame] = one.page.frames
    frame.wait_for_load_state()
    assert frame.url.startswith("chrome-error:"), frame.url
    assert "Acme Loyalty" not in frame.content() and "Of the brand" not in frame.content()
    one.context.close()

"""The console behind nginx with TLS, by the file of examples/gateway, in a real browser.

The names are real ones for the browser, so that sites, secure cookies and frames are judged as they
are anywhere: `tidings.example` has the service, `app.acme.example` a product that holds a portal.
"""

import re
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.product import BLOCKED, Product
from tests.loops.given_time import given_time

from ..e2e.harness.api import Api
from ..e2e.harness.events import event, new_id
from ..e2e.harness.nginx import HOST
from ..e2e.harness.service import KEY, SECRET, ServiceProcess
from ..e2e.harness.until import until
from .chrome import Reader, launch
from .proxy import PRODUCT, BrowserNginx

pytestmark = pytest.mark.systems


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserNginx]:
    """nginx, and the product behind it."""
    product = ThreadingHTTPServer(("127.0.0.1", 0), Product)
    threading.Thread(target=product.serve_forever, daemon=True).start()
    made = BrowserNginx(tmp_path_factory.mktemp("nginx"), int(product.server_address[1]))
    try:
        made.start()
        yield made
    finally:
        made.stop()
        product.shutdown()
        product.server_close()
    assert "upstream prematurely" not in made.errors(), made.errors()


@pytest.fixture(scope="module")
def served(
    nginx: BrowserNginx, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServiceProcess]:
    """The service behind it."""
    made = nginx.service(tmp_path_factory.mktemp("behind") / "store")
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture(scope="module", params=[False, True], ids=["as it comes", "cookies blocked"])
def chromium(
    request: pytest.FixtureRequest, nginx: BrowserNginx, playwright_started: Playwright
) -> Iterator[Browser]:
    """A browser to which the names lead here; once more with third parties' cookies blocked."""
    more = [BLOCKED] if request.param else []
    made = launch(playwright_started, *nginx.browser_args, *more)
    yield made
    made.close()


@pytest.fixture
def brand(served: ServiceProcess) -> Iterator[Api]:
    """An org of the test's own."""
    with served.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "A brand"}).must(201)["id"]
    with served.api(org) as api:
        yield api


def user_of(brand: Api, served: ServiceProcess) -> tuple[str, str]:
    """Somebody who works in the org alone: address and password."""
    email, word = f"asha{brand.org}@acme.example", "several words of mine"
    body = {"email": email, "role": "owner", "password": word}
    with served.api() as platform:
        platform.send("POST", f"/v1/orgs/{brand.org}/users", body).must(201)
    return email, word


def delivered(brand: Api) -> int:
    """How many deliveries of the org were delivered."""
    found = brand.get("/v1/deliveries?states=delivered").must(200)["deliveries"]
    return len(found)


def test_sign_in_forms_and_sign_out(
    chromium: Browser, nginx: BrowserNginx, served: ServiceProcess
) -> None:
    with Reader(chromium, nginx.url) as one:
        answer = one.page.goto("/console")
        assert answer is not None and one.path == "/console/sign-in"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        one.page.get_by_label("E-mail, or the key").fill(KEY)
        one.page.get_by_label("Password, or the secret").fill("not-the-secret")
        one.page.get_by_role("button", name="Sign in").click()
        expect(one.page.get_by_role("alert")).to_contain_text("must match")
        one.sign_in(KEY, SECRET, to="/console/sessions")
        assert one.page.url == f"{nginx.url}/console/sessions"
        kept = {cookie["name"]: cookie for cookie in one.context.cookies()}
        assert kept.keys() >= {"__Host-tidings", "__Host-tidings-device"}, kept
        for cookie in kept.values():
            assert cookie["secure"] and cookie["httpOnly"] and cookie["domain"] == HOST
        first = kept["__Host-tidings"]["value"]
        one.page.locator("details.who summary").click()
        one.page.get_by_role("button", name="Sign out", exact=True).click()
        one.page.wait_for_url("**/console/sign-in")
        one.sign_in(KEY, SECRET, to="/console/../inbox/x")
        assert one.path.startswith("/console") and "inbox/x" not in one.page.url
        again = {cookie["name"]: cookie["value"] for cookie in one.context.cookies()}
        assert again["__Host-tidings"] != first


def test_another_sites_form_signs_nobody_in(chromium: Browser, nginx: BrowserNginx) -> None:
    """The browser itself says where a form comes from."""
    form = (
        f'<form method=post action="{nginx.url}/console/sign-in">'
        f'<input name=name value="{KEY}"><input name=secret value="{SECRET}"><button>Go</button>'
    )
    one = Reader(chromium, f"https://{PRODUCT}:{nginx.port}")
    one.page.goto("/plain")
    one.page.set_content(form)
    one.page.get_by_role("button").click()
    one.see("this one came from another site")
    kept = [cookie for cookie in one.context.cookies() if cookie["name"] == "__Host-tidings"]
    assert not kept  # may be empty: whoever signs in gets it above
    one.context.close()


def test_a_portal_in_a_frame_of_another_origin(
    chromium: Browser, nginx: BrowserNginx, brand: Api, served: ServiceProcess
) -> None:
    brand.webhook("https://crm.example.com/hook", "Of the brand")
    product = f"https://{PRODUCT}:{nginx.port}"
    body = {"name": "Acme Loyalty", "role": "operator", "embedIn": [product]}
    path = f"/v1/orgs/{brand.org}/portal-links"
    link = brand.send("POST", path, body).must(201)["url"]
    assert link.startswith(f"{nginx.url}/console/portal?link=")
    with Reader(chromium, product) as one:
        one.page.goto(f"/around?{urlencode({'frame': link})}")
        frame = one.page.frame_locator("iframe")
        expect(frame.locator(".brand")).to_contain_text("Acme Loyalty")
        frame.get_by_role("link", name="Webhooks", exact=True).click()
        frame.get_by_role("link", name="Of the brand").click()
        frame.get_by_role("button", name="Pause").click()
        expect(frame.locator(".head .state")).to_contain_text("paused")
        [made] = brand.get("/v3/webHooks").must(200)["data"]
        assert made["standing"] == "paused", made
        [kept] = [kept for kept in one.context.cookies() if "tidings-portal" in kept["name"]]
        assert kept["sameSite"] == "None" and kept["secure"] and kept["httpOnly"], kept


def test_an_inbox_and_the_tail_are_live_and_a_replay_is_sent(
    chromium: Browser, nginx: BrowserNginx, brand: Api, served: ServiceProcess
) -> None:
    inbox = brand.send("POST", "/v1/inboxes", {"name": "First"}).must(201)
    assert inbox["url"].startswith(f"{nginx.url}/inbox/")
    hook = brand.webhook(inbox["url"], "First receiver")
    email, word = user_of(brand, served)
    with Reader(chromium, nginx.url) as watching, Reader(chromium, nginx.url) as tailing:
        for reader in (watching, tailing):
            reader.sign_in(email, word)
        watching.page.get_by_role("link", name="Test inboxes", exact=True).first.click()
        watching.page.get_by_role("link", name="First", exact=True).click()
        watching.see("Nothing has arrived yet")
        tailing.page.get_by_role("link", name="Live tail", exact=True).first.click()
        tailing.see("live")
        line = nginx.line()
        line.request("POST", urlsplit(inbox["url"]).path, b'{"by": "hand"}')
        assert line.getresponse().read() is not None
        line.close()
        watching.see("POST")
        sent = new_id()
        with given_time(served.pid) as given:
            started = time.monotonic()
            brand.accept(event(sent, brand.org))
            expect(tailing.page.locator("#tail tbody tr").first).to_contain_text("pointsIssued")
            watching.see("valid")
            assert given.since(started) < 10, "nothing is held back on the way"
        brand.settled(sent, hook)

        tailing.page.get_by_role("link", name="Replays", exact=True).first.click()
        tailing.page.get_by_role("link", name="New replay").first.click()
        tailing.page.locator("select[name=webhook]").select_option(label="First receiver")
        tailing.page.locator("input[name=states][value=delivered]").check()
        tailing.page.locator("input[name=again]").check()
        tailing.page.get_by_role("button", name="Count").click()
        tailing.page.get_by_role("button", name="Replay 1 ").click()
        tailing.page.wait_for_url("**/replays/rpl_**")
        until(lambda: delivered(brand) == 2, "the replay is sent")
        [job] = brand.get("/v1/replays").must(200)["replays"]
        assert job["made"] == 1, job


def test_limits_are_of_the_person_and_not_of_the_proxy(
    nginx: BrowserNginx, served: ServiceProcess
) -> None:
    """Each address of this machine is somebody; what they say of themselves is not believed."""

    def sign_in(address: str, secret: str, **more: str) -> tuple[int, str]:
        line = nginx.line(address)
        body = urlencode({"name": KEY, "secret": secret})
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": nginx.url}
        line.request("POST", "/console/sign-in", body, headers | more)
        answer = line.getresponse()
        answer.read()
        line.close()
        own = re.search(r"__Host-tidings=\w+", answer.getheader("set-cookie") or "")
        return answer.status, own[0] if own is not None else ""

    told = [
        sign_in(
            "127.0.0.66",
            "wrong",
            **{"x-forwarded-for": f"198.51.100.{n}", "forwarded": f"for=198.51.100.{n}"},
        )[0]
        for n in range(12)
    ]
    assert told == [401] * 10 + [429] * 2
    assert sign_in("127.0.0.66", SECRET)[0] == 429
    status, cookie = sign_in("127.0.0.77", SECRET)
    assert status == 303 and cookie
    line = nginx.line()
    line.request("GET", "/console/sessions", headers={"cookie": cookie})
    assert "127.0.0.77" in line.getresponse().read().decode()
    for n in range(62):
        line.request("GET", "/v1/caller", headers={"authorization": "Basic bm9ib2R5Onc="})
        answer = line.getresponse()
        assert answer.status == (401 if n < 60 else 429)
        answer.read()
    line.close()
    with served.api() as straight:
        assert straight.get("/v1/caller").status == 200


def test_plain_http_leads_to_https_and_the_machines_own_address_goes_on(
    nginx: BrowserNginx, served: ServiceProcess
) -> None:
    with Api(nginx.plain_port) as plain:
        answer = plain.call("GET", "/console?q=1", headers={"host": HOST})
        assert answer.status == 301 and answer.headers["location"] == f"https://{HOST}/console?q=1"
    with Api(served.port) as here:
        body = urlencode({"name": KEY, "secret": SECRET}).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": f"http://127.0.0.1:{served.port}",
        }
        answer = here.call("POST", "/console/sign-in", body, headers)
        assert answer.status == 303 and "strict-transport-security" not in answer.headers
        foreign = headers | {"origin": "https://evil.example"}
        assert here.call("POST", "/console/sign-in", body, foreign).status == 403

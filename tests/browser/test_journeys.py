"""Journeys through the console, as an integration engineer makes them, at 1280 px; and the one of
who is on call, at 360."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from ..e2e.harness.api import Api
from ..e2e.harness.events import event, new_id
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import KEY, SECRET, ServiceProcess
from ..e2e.harness.until import until
from .axe import violations
from .chrome import Reader
from .conftest import NewOrg, NewReader
from .world import GONE, WRONG, World

pytestmark = pytest.mark.systems

MANY = 500
MISSED, WAITING = 3, 40
HOURS = {"delaysInSeconds": [7200, 7200, 7200]}


def make_webhook(one: Reader, name: str) -> None:
    """Fill the form's remaining fields and send it."""
    one.page.get_by_label("Name", exact=True).fill(name)
    one.page.get_by_label("Search event types").fill("pointsIssued")
    one.page.locator("input[name=eventNames][value=pointsIssued]").check()
    one.page.get_by_role("button", name="Make the webhook").click()


def test_1_sign_in(reader: NewReader, console: ServiceProcess) -> None:
    one = reader(signed_in=False)
    one.open("/deliveries?status=failed")
    assert one.path == "/console/sign-in"
    one.page.get_by_label("E-mail, or the key").fill(KEY)
    one.page.get_by_label("Password, or the secret").fill("not-the-secret")
    one.page.get_by_role("button", name="Sign in").click()
    expect(one.page.get_by_role("alert")).to_be_visible()
    assert one.page.get_by_label("E-mail, or the key").input_value() == KEY, "it stays"
    one.page.get_by_label("Password, or the secret").fill(SECRET)
    one.page.get_by_role("button", name="Sign in").click()
    one.page.wait_for_url("**/console/o/2001/deliveries?status=failed")
    one.page.locator("summary", has_text="2001").click()
    one.page.get_by_role("button", name="Sign out").click()
    one.page.wait_for_url("**/console/sign-in")
    one.open("/deliveries")
    assert one.path == "/console/sign-in", "signed out is signed out"


def test_2_make_a_test_inbox(reader: NewReader, new_org: NewOrg) -> None:
    with new_org() as api:
        one = reader(org=api.org)
        one.open("/inboxes")
        one.see("No inbox yet")
        one.page.get_by_label("Name of the inbox").fill("Our CRM to be")
        one.page.get_by_role("button", name="Create an inbox").click()
        expect(one.page.get_by_role("heading", level=1)).to_have_text("Our CRM to be")
        [inbox] = api.get("/v1/inboxes").must(200)["inboxes"]
        assert inbox["url"] in one.text()
        one.see("Nothing has arrived yet")
        assert api.call("POST", inbox["url"][inbox["url"].index("/inbox/") :], b"{}").status == 200
        one.see("unknown" if "unknown" in one.text() else "POST, 2 B")


def test_3_create_a_webhook(reader: NewReader, new_org: NewOrg) -> None:
    with new_org() as api:
        one = reader(org=api.org)
        one.open("/webhooks")
        one.page.get_by_role("link", name="New webhook").first.click()
        one.page.get_by_role("button", name="Make a test inbox").click()
        expect(one.page.get_by_label("URL", exact=True)).to_have_value(re.compile("/inbox/"))
        one.page.locator("summary", has_text="Advanced settings").click()
        one.page.get_by_label("Maximum parallel connections").fill("25")
        one.page.get_by_label("Search event types").fill("pointsIssued")
        one.page.get_by_label("Schema and example of pointsIssued", exact=True).click()
        one.page.locator("#type").get_by_text("totalPointsIssued").first.wait_for()
        make_webhook(one, "Acme CRM")
        one.see("Acme CRM is made")
        one.see("It is shown only once")
        assert "whsec_" in one.text()
        [made] = api.get("/v3/webHooks").must(200)["data"]
        assert (made["name"], made["eventNames"]) == ("Acme CRM", ["pointsIssued"])
        assert made["maxAllowedConnections"] == 25
        one.page.get_by_role("link", name="To Acme CRM").click()
        assert "whsec_" not in one.text(), "shown once"


def test_4_be_refused_a_url_and_understand_why(reader: NewReader, new_org: NewOrg) -> None:
    with new_org() as api:
        one = reader(org=api.org)
        one.open("/webhooks/new")
        url = one.page.get_by_label("URL", exact=True)
        url.fill("http://169.254.169.254/latest/meta-data")
        url.blur()
        said = one.page.locator("#h-webHookUrl [role=alert]")
        expect(said).to_contain_text("must lead to a public address")
        expect(said).to_contain_text("Use the receiver's public address")
        before = said.inner_text()
        make_webhook(one, "Metadata")
        expect(one.page.locator("main > .trouble")).to_contain_text("Nothing was saved")
        assert said.inner_text() == before, "the same, whether asked before or after"
        assert url.input_value().endswith("meta-data"), "nothing has to be typed again"
        assert one.page.get_by_label("Name", exact=True).input_value() == "Metadata"
        assert not api.get("/v3/webHooks").must(200)["data"]
        assert not violations(one.page)


def test_5_see_the_first_delivery_arrive(
    reader: NewReader, new_org: NewOrg, console: ServiceProcess
) -> None:
    with new_org() as api:
        inbox = api.send("POST", "/v1/inboxes", {"name": "First"}).must(201)
        api.webhook(inbox["url"], "First receiver")
        waiting, watching, tailing = reader(org=api.org), reader(org=api.org), reader(org=api.org)
        waiting.open()
        waiting.see("Waiting for your first event")
        watching.open(f"/inboxes/{inbox['id']}")
        tailing.open("/tail")
        tailing.see("live")
        sent = new_id()
        api.accept(event(sent, api.org))
        waiting.see("Your first event has arrived.")
        waiting.see("Your webhook is healthy.")
        watching.see("valid")
        expect(tailing.page.locator("#tail tbody tr").first).to_contain_text("pointsIssued")
        tailing.page.locator("#tail").get_by_text("delivered").first.wait_for()


def test_6_find_the_delivery_of_one_customer(reader: NewReader, world: World) -> None:
    one = reader()
    one.open()
    one.page.keyboard.press("/")
    one.page.keyboard.type("41200999")
    one.page.keyboard.press("Enter")
    one.see("Found by 41200999")
    one.page.get_by_role("link", name="All deliveries with this value").click()
    rows = one.page.locator("table[data-list] tbody tr")
    assert 3 <= rows.count() <= 8
    one.page.get_by_label("failed").check()
    one.page.get_by_role("button", name="Search", exact=True).click()
    one.page.wait_for_url("**status=failed**")
    expect(rows).to_have_count(1)
    shared = one.page.url
    assert shared.endswith("/console/o/2001/deliveries?q=41200999&status=failed"), (
        "nothing empty in it"
    )
    one.page.locator("summary", has_text="More filters").click()
    one.page.get_by_label("Customer", exact=True).fill("41200999")
    one.page.get_by_label("Bill", exact=True).fill("no such bill")
    one.page.get_by_label("Bill", exact=True).press("Enter")
    one.page.wait_for_url("**bill=no+such+bill**")
    one.see("No delivery matches")
    assert not violations(one.page)
    one.page.get_by_label("Without the filter Bill: no such bill").click()
    one.page.wait_for_url("**customer=41200999**")
    assert "bill" not in one.page.url
    expect(rows).to_have_count(1)
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("Enter")
    one.page.wait_for_url(f"**/deliveries/{world.failed['id']}")
    assert "41200999" in one.text()
    other = reader()
    other.page.goto(shared)
    expect(other.page.locator("table[data-list] tbody tr")).to_have_count(1)


def test_7_explain_a_failure(reader: NewReader, world: World) -> None:
    one = reader()
    one.open()
    one.page.locator(".todo li", has_text="Old feed").get_by_role("link", name="Look").click()
    one.see("410")
    one.page.locator("table[data-list] a[data-row]").first.click()
    one.see("The receiver answered 410 Gone")
    text = one.text()
    assert "does not retry it" in text and "give the webhook a new URL" in text
    assert WRONG in text, "its own words"
    assert "webhook-signature" in text and "41200999" in text
    one.page.get_by_role("link", name=re.compile("^Attempt 1")).first.click()
    one.page.get_by_text("Show the curl command").click()
    one.see("curl -")


def test_8_retry_one(reader: NewReader, new_org: NewOrg, receiver: Receiver) -> None:
    path = receiver.path(status=500, body=WRONG)
    with new_org() as api:
        hook = api.webhook(receiver.url(path), "Mended later", retryPolicy=GONE)
        sent = new_id()
        api.accept(event(sent, api.org))
        failed = api.settled(sent, hook, ("failed",))
        receiver.plan(path, status=200)
        one = reader(org=api.org)
        one.open(f"/deliveries/{failed['id']}")
        one.page.get_by_role("button", name="Try again").click()
        expect(one.page.locator(".head .state")).to_contain_text("delivered")
        assert len(receiver.wait(path, 2)) == 2
        assert api.delivery(failed["id"])["state"] == "delivered"
        one.see("Attempt 2")


def count_all(one: Reader) -> None:
    """Ask until all are counted: a page counts for three seconds, which a busy machine needs."""

    def counted() -> bool:
        if one.page.get_by_text(f"This sends {MANY} requests").is_visible():
            return True
        one.page.get_by_role("button", name=re.compile("^Count")).click()
        return False

    until(counted, "all of them are counted")


def test_9_replay_500_and_cancel(reader: NewReader, new_org: NewOrg, receiver: Receiver) -> None:
    path = receiver.path(status=410)
    with new_org() as api:
        hook = api.webhook(receiver.url(path), "Down all night")
        batch = b",".join(event(new_id(), api.org) for _ in range(MANY))
        api.accept(b"[" + batch + b"]")
        dry = {"webHookId": hook["webHookId"], "states": ["failed", "parked"], "dryRun": True}

        def matched() -> int | None:
            reply = api.send("POST", "/v1/replays", dry)
            if reply.status == 503:  # on a busy machine to count takes longer than a call waits
                return None
            return int(reply.must(200)["matched"])

        until(
            lambda: matched() == MANY,
            "the webhook is disabled, and all of them failed or are parked",
        )
        receiver.plan(path, status=200)
        one = reader(org=api.org)
        one.open(f"/webhooks/{hook['webHookId']}")
        one.page.get_by_role("button", name="Enable").click()
        expect(one.page.locator(".head .state")).to_contain_text("failing")  # until a success
        one.open(f"/deliveries?webhook={hook['webHookId']}&status=failed&status=parked")
        one.page.get_by_role("button", name="Replay all that match").click()
        count_all(one)
        one.page.get_by_label("Requests a second, at most").fill("5")
        one.page.get_by_role("button", name="Count again").click()
        count_all(one)
        one.page.get_by_role("button", name=f"Replay {MANY} deliveries").click()
        one.page.wait_for_url("**/replays/rpl_**")
        receiver.wait(path, 8)
        one.page.on("dialog", lambda dialog: dialog.accept())
        one.page.get_by_role("button", name="Pause").click()
        one.see("paused")
        one.page.get_by_role("button", name="Cancel").click()
        one.page.locator("#progress .state.cancelled").first.wait_for()
        [job] = api.get("/v1/replays").must(200)["replays"]
        assert job["state"] == "cancelled" and job["made"] < MANY
        came = len(receiver.arrivals(path))
        one.page.wait_for_timeout(600)
        assert len(receiver.arrivals(path)) == came < MANY // 2, "nothing is sent any more"


def test_10_rotate_a_secret(reader: NewReader, new_org: NewOrg, receiver: Receiver) -> None:
    path = receiver.path()
    with new_org() as api:
        hook = api.webhook(receiver.url(path), "Rotated")
        one = reader(org=api.org)
        one.open(f"/webhooks/{hook['webHookId']}")
        one.page.locator("main summary", has_text="More").click()
        one.page.get_by_role("link", name="Rotate secret").click()
        one.page.get_by_label("Hours that the old secret stays valid").fill("2")
        one.page.get_by_role("button", name="Create a new secret").click()
        one.see("The new signing secret of Rotated")
        [secret] = re.findall(r"whsec_\S+", one.text())
        one.page.get_by_role("link", name="To Rotated").click()
        text = one.text()
        assert secret not in text and secret[-4:] in text and "until" in text
        api.accept(event(new_id(), api.org))
        [arrival] = receiver.wait(path, 1)
        assert len(arrival.headers["webhook-signature"].split(" ")) == 2, "by both of them"


def test_11_read_the_schema_of_a_type_and_send_it_by_hand(
    reader: NewReader, new_org: NewOrg, receiver: Receiver
) -> None:
    path = receiver.path()
    with new_org() as api:
        api.webhook(receiver.url(path), "Hand-fed")
        one = reader(org=api.org)
        one.open("/catalogue")
        one.page.get_by_label("Name or words").fill("points issued")
        one.page.get_by_role("button", name="Search", exact=True).click()
        one.page.get_by_role("link", name="pointsIssued", exact=True).click()
        expect(one.page.locator(".schema").first).to_contain_text("totalPointsIssued")
        inner = one.page.locator(".schema details:not([open])").first
        inner.locator("summary").first.focus()
        one.page.keyboard.press("Enter")
        expect(one.page.locator(".schema details:focus-within[open]").last).to_be_visible()
        one.page.get_by_role("button", name="Open all").click()
        expect(inner).to_have_count(0)
        assert not violations(one.page)
        one.see("Hand-fed")
        one.page.get_by_role("link", name="Send one by hand").click()
        form = one.page.get_by_label("Event", exact=True)
        example = form.input_value()
        form.fill(re.sub(r'"totalPointsIssued": [\d.]+', '"totalPointsIssued": "many"', example))
        one.page.get_by_role("button", name="Send it").click()
        expect(one.page.get_by_role("alert")).to_contain_text("totalPointsIssued")
        assert not receiver.arrivals(path)
        form.fill(example)
        one.page.get_by_role("button", name="Send it").click()
        one.page.wait_for_url(re.compile(r"/console/o/\d+/events/(?!new)"))
        [arrival] = receiver.wait(path, 1)
        assert arrival.event["eventName"] == "pointsIssued"
        until(lambda: one.page.reload() and "delivered" in one.text(), "its fate is told")


LOGO = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="


def open_portal(browser: Browser, console: ServiceProcess, url: str) -> Reader:
    """A reader without any cookie opens a link."""
    one = Reader(browser, f"http://127.0.0.1:{console.port}")
    one.page.goto(url)
    return one


def test_12_open_the_portal_by_link(
    browser: Browser, console: ServiceProcess, new_org: NewOrg, receiver: Receiver
) -> None:
    with new_org() as api:
        api.webhook(receiver.url(receiver.path()), "Of the brand")
        body: dict[str, Any] = {"name": "Acme Loyalty", "role": "operator", "colour": "#0b6e4f"}
        path = f"/v1/orgs/{api.org}/portal-links"
        link = api.send("POST", path, body | {"logo": LOGO}).must(201)["url"]
        with open_portal(browser, console, link) as one:
            base = f"/console/portal/o/{api.org}"
            assert one.path == base, "the token does not stay in the address"
            expect(one.page.locator(".brand")).to_contain_text("Acme Loyalty")
            assert "Tidings" not in one.page.title() and "Acme Loyalty" in one.page.title()
            colour = "getComputedStyle(document.querySelector('.side a[aria-current]')).color"
            assert one.page.evaluate(colour) == "rgb(11, 110, 79)"
            one.page.get_by_role("link", name="Webhooks", exact=True).click()
            one.see("Of the brand")
            assert not one.page.get_by_role("link", name="Orgs").count()
            for other in ("/console/portal/o/2001/webhooks", "/console/o/2001/settings"):
                one.go(other)
                assert "Time zone" not in one.text() and "New webhook" not in one.text()
            one.go(base)
            assert not violations(one.page)
        again = open_portal(browser, console, link)
        assert "cannot be opened" in again.text(), "once"
        again.context.close()
        with open_portal(
            browser, console, api.send("POST", path, {"name": "R"}).must(201)["url"]
        ) as one:
            one.go(f"{base}/webhooks")
            one.see("Of the brand")
            assert not one.page.get_by_role("link", name="New webhook").count(), "a reader reads"


def burst(api: Api, count: int) -> None:
    """So many events in one call."""
    api.accept(b"[" + b",".join(event(new_id(), api.org) for _ in range(count)) + b"]")


def counted(api: Api, webhook: str, *states: str) -> Callable[[], int]:
    """How many deliveries are in these states."""

    def count() -> int:
        path = f"/v1/deliveries?webHookId={webhook}&states={','.join(states)}&limit=200"
        return len(api.get(path).must(200)["deliveries"])

    return count


def test_13_from_the_alert_to_drained_and_replayed_by_three_clicks(
    reader: NewReader, console: ServiceProcess, receiver: Receiver
) -> None:
    with console.api() as platform:
        made = platform.send("POST", "/v1/orgs", {"name": "A brand on call"}).must(201)
    path = receiver.path(status=400, body=WRONG)
    with console.api(made["id"]) as api:
        hook = api.webhook(receiver.url(path), "Partner feed", retryPolicy=HOURS)
        webhook = hook["webHookId"]
        burst(api, MISSED)
        failed = counted(api, webhook, "failed")
        until(lambda: failed() == MISSED, "they are refused for good")
        receiver.plan(path, status=500, body=WRONG)
        burst(api, WAITING)
        shown = f"/v3/webHooks/{webhook}"
        until(lambda: api.get(shown).must(200)["data"]["health"], "it is seen to fail")

        one = reader(org=api.org, width=360)
        one.open(f"/webhooks/{webhook}")  # the link of the alert: the first click
        one.see("Problem and next step")
        text = one.text()
        assert WRONG in text and "Waiting, by age" in text and "Timeline" in text
        assert violations(one.page) == []
        # The receiver recovers only now: a first success would end what the page is to show.
        receiver.plan(path, status=200)
        one.page.get_by_role("button", name="Try now and drain").click()  # the second
        told = re.compile(r"^\d+ delivered, 0 failed, 0 left\.$")  # less what a probe has begun
        expect(one.page.get_by_text(told)).to_be_visible()
        arrived = counted(api, webhook, "delivered")
        until(lambda: arrived() == WAITING, "all that waited has arrived")
        assert len({arrival.message for arrival in receiver.arrivals(path)
                    if arrival.answer == 200}) == WAITING  # fmt: skip

        one.open(f"/webhooks/{webhook}")
        button = re.compile(f"^Replay {MISSED} that were missed")
        one.page.get_by_role("button", name=button).click()  # the third
        one.page.wait_for_url("**/replays/rpl_*")
        until(lambda: arrived() == WAITING + MISSED, "all of it has arrived")
        tally = api.get(f"/v1/webHooks/{webhook}/tally").must(200)
        assert (tally["neverArrived"], tally["arrivedPercent"]) == (0, 100.0)
        one.open(f"/webhooks/{webhook}")
        one.see("An attempt succeeded; the breaker closed")
        assert "that were missed" not in one.text()

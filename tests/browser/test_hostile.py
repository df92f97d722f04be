"""What strangers write is shown as text, wherever it is shown: nothing of it runs."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from ..e2e.harness.api import Api
from ..e2e.harness.events import new_id
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import KEY, SECRET, ServiceProcess
from ..e2e.harness.until import until
from .chrome import Reader
from .conftest import NewReader
from .world import GONE

pytestmark = [pytest.mark.systems, pytest.mark.timeout(300)]

# Each breaks out of another place: text, attributes of both quotes, scripts, styles, URLs,
# comments, templates of ours and of htmx, and what a browser mends by itself.
CORPUS = (
    "<script>__xss(1)</script>",
    '"><img src=x onerror=__xss(2)>',
    "' onmouseover='__xss(3)' autofocus onfocus='__xss(3)",
    "</title></textarea></pre></style></script><svg onload=__xss(4)>",
    "javascript:__xss(5)",
    '--><iframe srcdoc="<script>parent.__xss(6)</script>"></iframe>',
    "{{ 7 * 7 }}{% include 'base.html' %}${__xss(7)}",
    "<div hx-get='/console/sessions' hx-trigger='load' hx-on:click='__xss(8)'>",
    "<a href='java\tscript:__xss(9)' data-copy='x'>go</a>",
    "<math><mtext><table><mglyph><style><img src=x onerror=__xss(10)>",
    "<base href='https://evil.example/'><meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=https://evil.example><button>__xss</button>",
    "\u202e<scr\u0000ipt>__xss(13)</script>",
)
ALL = " ".join(CORPUS)
LINE = ALL.replace("\t", " ").replace("\u0000", "").replace("\u202e", "")
SHORT = CORPUS[1]
PAGES = (
    "",
    "/webhooks",
    "/sources",
    "/deliveries",
    "/events",
    "/rejections",
    "/tail",
    "/inboxes",
    "/replays",
)
PLACES = ("/catalogue", "/access", "/health", "/stop", "/settings", "/replays/new")
OF_NO_ORG = ("/sessions", "/orgs")
ASKED = (
    "/find?q={}",
    "/webhooks?q={}",
    "/deliveries?q={}&type={}&request={}&from={}",
    "/events?q={}&event={}&type={}",
    "/catalogue?q={}",
    "/tail?type={}",
    "/webhooks/new?event={}&url={}&name={}",
    "/events/new?type={}",
    "/replays/new?types={}&search={}&from={}&step=count",
    "/nowhere/{}",
)
ASKED_OUTSIDE = ("/orgs?q={}&to={}", "/sign-in?to={}", "/nowhere/{}", "/webhooks?q={}",
                 "/sign-in?link={}", "/welcome?link={}", "/portal?link={}")  # fmt: skip


class Stranger:
    """An org in which every field is filled by an attacker."""

    def __init__(self, service: ServiceProcess, receiver: Receiver) -> None:
        headers = {"x-said": LINE.encode("ascii", "replace").decode(), "server": SHORT}
        down = receiver.path(status=404, body=ALL.replace("\u0000", ""), headers=headers)
        page = receiver.path(
            status=400, body=f"<html>{ALL}</html>", headers={"content-type": "text/html"}
        )
        with service.api() as platform:
            named = {"name": f"Org {SHORT}"}
            self.org = platform.send("POST", "/v1/orgs", named).must(201)["id"]
        with service.api(self.org) as api:
            self.inbox = api.send(
                "POST", "/v1/inboxes", {"name": SHORT, "answer": {"status": 200, "body": ALL}}
            ).must(201)
            for path in (down, page):
                api.webhook(
                    receiver.url(path) + "?q=" + quote(SHORT),
                    f"Hook {path[-1:]} {SHORT}"[:50],
                    webHookHeaders={"X-Evil": LINE.encode("ascii", "replace").decode()[:500]},
                    retryPolicy=GONE,
                )
            api.webhook(self.inbox["url"], "To the inbox")
            self.event = new_id()
            data = {
                "totalPointsIssued": 1,
                "customerIdentifiers": {"customerId": 7, "firstName": ALL, "mobile": SHORT},
                SHORT: {word: word for word in CORPUS},
            }
            body = {"eventName": "pointsIssued", "orgId": self.org, "data": data}
            body |= {"apiRequestId": SHORT, "refId": f"{self.org}_{SHORT}"}
            api.post(json.dumps(body | {"eventId": self.event}).encode()).must(202)
            odd = api.post(json.dumps(body | {"eventId": f"e {SHORT}"}).encode())
            self.odd = odd.status == 202
            for wrong in (
                body | {"data": data | {"totalPointsIssued": ALL}},
                body | {"data": {SHORT: ALL}},
                body | {"eventName": SHORT},
            ):
                api.post(json.dumps(wrong).encode())
            api.post(ALL.encode())
            token = self.inbox["url"][self.inbox["url"].index("/inbox/") :]
            names = ("user-agent", "x-evil", "webhook-id", "content-type")
            Api(service.port).call("POST", token, ALL.encode(), dict.fromkeys(names, SHORT))
            key = {"name": SHORT, "kind": "key", "scopes": ["logs:read"]}
            api.send("POST", f"/v1/orgs/{self.org}/credentials", key)
            self.source = self._source(service, api)
            until(lambda: self._fates(api), "attempts were made")
            self._ids = {
                kind: [row["id"] for row in api.get(f"/v1/{kind}?limit=9").must(200)[kind]]
                for kind in ("deliveries", "rejections")
            }
            self._hooks = [row["webHookId"] for row in api.get("/v3/webHooks").must(200)["data"]]
            assert len(self._ids["deliveries"]) >= 3 and len(self._ids["rejections"]) >= 3

    def _source(self, service: ServiceProcess, api: Api) -> str:
        """The path of a source that has put such messages aside."""
        proof = {"type": "header", "header": "X-Key", "value": "0123456789abcdef"}
        mapping = {"eventName": {"path": SHORT.replace(".", "")}, "data": {"constant": CORPUS[3]}}
        body = {"name": "shop", "verification": proof, "mapping": mapping}
        made = api.send("POST", "/v1/sources", body).must(201)
        known = {"x-key": "0123456789abcdef", "x-evil": SHORT, "webhook-id": SHORT}
        for sent in (ALL.encode(), json.dumps({SHORT.replace(".", ""): ALL}).encode()):
            Api(service.port).call("POST", f"/in/{self.org}/shop", sent, known).must(202)
        path = f"/sources/{made['id']}"
        rows = api.get(f"/v1{path}/aside").must(200)["messages"]
        self._aside = [row["id"] for row in rows]
        assert len(self._aside) == 2
        return path

    def _fates(self, api: Api) -> bool:
        states = [row["state"] for row in api.event(self.event)["deliveries"]]
        return len(states) == 3 and not {"pending", "held"} & set(states)

    def pages(self) -> Iterator[str]:
        """All pages on which any of it is shown."""
        yield from (*PAGES, *PLACES)
        for id in self._ids["deliveries"]:
            yield f"/deliveries/{id}"
            yield f"/deliveries/{id}?body={quote(SHORT)}&attempt={quote(SHORT)}"
        for id in self._ids["rejections"]:
            yield f"/rejections/{id}"
        for id in self._hooks:
            yield from (f"/webhooks/{id}", f"/webhooks/{id}/edit", f"/webhooks/{id}/delete")
            yield f"/webhooks/new?from={id}"
        yield from (self.source, f"{self.source}/edit")
        for id in self._aside:
            yield from (f"{self.source}/aside/{id}", f"{self.source}/edit?sample={id}")
        yield from (f"/events/{self.event}", f"/inboxes/{self.inbox['id']}")
        if self.odd:
            yield "/events/" + quote(f"e {SHORT}", safe="")


@pytest.fixture(scope="module")
def stranger(console: ServiceProcess, receiver: Receiver) -> Stranger:
    """Made once."""
    return Stranger(console, receiver)


def test_a_script_that_runs_would_be_noticed(browser: Browser, console: ServiceProcess) -> None:
    """The trap itself: a canary without a policy, and the policy of our pages without a canary."""
    one = Reader(browser, f"http://127.0.0.1:{console.port}")
    one.page.set_content(CORPUS[1])
    one.page.wait_for_timeout(300)
    assert any("CANARY called" in trouble for trouble in one.troubles)
    one.troubles.clear()
    one.go("/console/sign-in")
    one.page.evaluate("document.querySelector('main').innerHTML = '<img src=x onerror=__xss(1)>'")
    one.page.wait_for_timeout(300)
    assert any("POLICY script-src-attr inline" in trouble for trouble in one.troubles)
    assert not any("CANARY" in trouble for trouble in one.troubles)
    one.context.close()


def test_nothing_of_a_strangers_runs(reader: NewReader, stranger: Stranger) -> None:
    """The fixture fails on a canary that is called, a breach of the policy, any error at all."""
    one = reader(signed_in=False, user_agent=f"Mozilla/5.0 {SHORT}")
    one.sign_in(KEY, SECRET)  # from here, so that its own browser stands among the sessions
    one.org = stranger.org
    shown = 0
    own = [one.at(path) for path in stranger.pages()]
    for path in (*own, *(f"/console{path}" for path in OF_NO_ORG)):
        one.go(path)
        one.page.wait_for_timeout(120)
        shown += "__xss" in one.page.locator("body").inner_text()
        injected = "img[src='x'], iframe, svg[onload], base, [hx-on\\:click], meta[http-equiv]"
        assert not one.page.locator(injected).count(), path
        assert not one.page.locator("a[href*='script:' i], form[action*='evil']").count(), path
        for arrival in one.page.locator("#arrivals a[data-row]").all()[:3]:
            arrival.click()
            one.page.wait_for_timeout(120)
    assert shown > 12, "it was there to be seen, as text"


@pytest.mark.parametrize("text", CORPUS)
def test_nothing_of_an_address_runs(reader: NewReader, text: str) -> None:
    one = reader()
    value = quote(text, safe="")
    for asked in (*(one.at(path) for path in ASKED), *(f"/console{at}" for at in ASKED_OUTSIDE)):
        answer = one.page.goto(asked.replace("{}", value))
        assert answer is not None and answer.status < 500, asked
        assert not one.page.locator("img[src='x'], iframe, svg[onload], base").count(), asked


def test_nothing_of_a_form_runs(reader: NewReader, stranger: Stranger) -> None:
    """What is refused stands in its field again, and beside it what is wrong."""
    one = reader(org=stranger.org)
    one.open("/webhooks/new")
    one.page.get_by_label("Name", exact=True).fill(LINE)
    one.page.get_by_label("URL", exact=True).fill("https://x.example/" + quote(SHORT))
    one.page.locator("summary", has_text="Filter and fields").click()
    one.page.get_by_role("button", name="Edit as JSON").click()
    for label in ("Filter, as JSON", "Paths of these fields", "New names"):
        one.page.get_by_label(label).fill(ALL)
    one.page.get_by_role("button", name="Make the webhook").click()
    one.see("Nothing was saved")
    assert CORPUS[3] in one.page.get_by_label("Filter, as JSON").input_value()
    one.open("/sources/new")
    one.page.get_by_label("Mapping, as JSON").fill(json.dumps({"eventName": {"constant": ALL}}))
    one.page.get_by_label("Headers, one a line").fill(f"X-A: {LINE}")
    one.page.get_by_label("Body", exact=True).fill(ALL)
    one.page.get_by_role("button", name="Try the message").click()
    one.see("Resulting events")
    one.page.get_by_role("button", name="Make the source").click()
    one.open("/events/new")
    one.page.get_by_label("Event", exact=True).fill(ALL)
    one.page.get_by_role("button", name="Send it").click()
    one.page.get_by_role("alert").first.wait_for()
    one.open(f"/inboxes/{stranger.inbox['id']}")
    one.page.get_by_label("Status").fill(SHORT)
    one.page.get_by_label("Headers", exact=True).fill(LINE)
    one.page.get_by_role("button", name="Save the answer").click()
    one.page.get_by_role("alert").first.wait_for()
    one.open("/access/credentials/new")
    one.page.get_by_label("Name", exact=True).fill(LINE * 3)
    one.page.get_by_role("button", name="Create the credential").click()
    one.page.locator("main .trouble, main .note").first.wait_for()

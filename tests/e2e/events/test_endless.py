"""Messages that come back as events: however they are led back, they end."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.events.org_log import log_of, stopped
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare, event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG, free_port
from tests.e2e.harness.until import until

NewOrg = Callable[..., Api]

CLOSED = "http://127.0.0.1:28999/closed"
PROOF = "0123456789abcdef-proof"
VERIFICATION = {"type": "header", "header": "X-Proof", "value": PROOF}
ANEW = {"eventName": {"constant": "pointsIssued"}, "data": {"path": "data"}}
# The id of a message is that of its event: a source that goes by deliveries makes one of each copy.
EACH = {"messageId": {"header": "tidings-delivery"}}
BARE = {"eventName": {"constant": "pointsIssued"}, "data": {"constant": {"totalPointsIssued": 1}}}


def source(org: Api, name: str = "back", **more: Any) -> str:
    """Make a source that makes a new event of every message; its URL."""
    body = {"name": name, "verification": VERIFICATION, "mapping": ANEW} | EACH | more
    org.send("POST", "/v1/sources", body).must(201)
    return f"http://127.0.0.1:{org.port}/in/{org.org}/{name}"


def led_back(org: Api, url: str, name: str, **more: Any) -> dict[str, Any]:
    """Create a webhook that is sent to a source."""
    return org.webhook(url, name, webHookHeaders={"X-Proof": PROOF}, **more)


def test_ten_webhooks_on_one_source_end_by_themselves(new_org: NewOrg) -> None:
    """One event, ten copies, a hundred copies of these; what comes the third time goes nowhere."""
    org = new_org()
    url = source(org)
    for number in range(10):
        led_back(org, url, f"hook-{number}")
    org.call(
        "POST",
        url.partition(f":{org.port}")[2],
        b'{"data":{"totalPointsIssued":1,"customerIdentifiers":{"customerId":7}}}',
        {"x-proof": PROOF, "content-type": "application/json"},
    ).must(202)
    org.drained()
    rows = log_of(org)
    assert len(rows) == 111
    assert len(stopped(rows)) == 100
    assert "by the same door 3 times" in stopped(rows)[0]["warning"]
    shown = org.event(stopped(rows)[0]["eventId"])
    assert shown["deliveries"] == []
    metrics = org.get("/metrics").body.decode()
    assert "tidings_events_stopped_total" in metrics


def brought(url: str, org: Api, **headers: str) -> None:
    """Send a message to a source, as somebody outside does."""
    org.call(
        "POST",
        url.partition(f":{org.port}")[2],
        b'{"data":{"totalPointsIssued":1,"customerIdentifiers":{"customerId":7}}}',
        {"x-proof": PROOF, "content-type": "application/json", **headers},
    ).must(202)


def test_over_many_sources_an_org_gets_back_a_hundred_and_sends_on_no_more(new_org: NewOrg) -> None:
    """Seven hops over five sources, ten copies at each, would be millions."""
    org = new_org()
    urls = [source(org, f"back-{number}") for number in range(5)]
    for number in range(10):
        led_back(org, urls[number % 5], f"hook-{number}")
    brought(urls[0], org)
    org.drained()
    rows = log_of(org)
    assert len(rows) <= 1 + 10 * (100 + 1)
    assert any("at most 100 messages" in row["warning"] for row in stopped(rows))


def test_an_org_that_calls_itself_is_called_no_third_time(new_org: NewOrg) -> None:
    """By POST /v1/events, through a transformation that leaves nothing of the event."""
    org = new_org()
    template = '{"eventName": "pointsIssued", "data": {"totalPointsIssued": 1}}'
    body = {"name": "anew", "template": template}
    org.send("POST", "/v1/transformations", body).must(201)
    wanted = {"scopes": {"events": "write"}}
    made = org.send("POST", f"/v1/orgs/{org.org}/credentials", wanted).must(201)
    login = base64.b64encode(f"{made['id']}:{made['secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    for number in range(3):
        org.webhook(
            f"http://127.0.0.1:{org.port}/v1/events",
            f"hook-{number}",
            webHookHeaders=headers,
            transformation="anew",
        )
    org.accept(event(new_id(), org.org))
    org.drained()
    rows = log_of(org)
    assert len(rows) == 1 + 3 + 9 and len(stopped(rows)) == 9


def test_between_a_parent_and_its_child_it_ends_too(new_org: NewOrg) -> None:
    parent = new_org()
    child = new_org(parent=parent.org)
    up, down = source(parent), source(child)
    led_back(parent, down, "down", listenToChildEvents=True)
    led_back(child, up, "up")
    brought(up, parent)
    parent.drained()
    rows = [*log_of(parent), *log_of(child)]
    assert len(rows) <= 20 and stopped(rows)


def test_what_a_brands_own_call_leads_back_ends(own_service: NewService, tmp_path: Path) -> None:
    """An action that calls the source that its events come from; its body has nothing of them."""
    port = free_port()
    file = tmp_path / "actions.toml"
    file.write_text(f"""
org = {ORG}

[actions.echo]
types = ["pointsIssued"]

[actions.echo.call]
method = "POST"
url = "http://127.0.0.1:{port}/in/{ORG}/back"
headers = {{X-Proof = "{PROOF}"}}
json = {{data = {{totalPointsIssued = 1}}}}
""")
    service = own_service(port=port, actions=file).start()
    with service.api(ORG) as org:
        url = source(org, messageId=None)
        brought(url, org)
        org.drained()
        rows = log_of(org)
        assert len(rows) == 3 and len(stopped(rows)) == 1
        way = org.delivery_of(rows[1]["eventId"])["attemptList"][0]["request"]
        [said] = [row["value"] for row in way["headers"] if row["name"] == "tidings-hops"]
        assert said.startswith("2; via=") and "; of=" in said


FORMS: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "one": ("application/json", bare(), {"tidings-hops": "%s"}),
    "many": ("application/json", b"[" + bare() + b"]", {"Tidings-Hops": "%s"}),
    "lines": ("application/x-ndjson", bare() + b"\n" + bare(), {"tidings-hops": "%s"}),
    "a number": (
        "application/cloudevents+json",
        b'{"specversion":"1.0","type":"pointsIssued","source":"s","id":"ID","tidingshops":%s,'
        b'"data":{"totalPointsIssued":1,"customerIdentifiers":{"customerId":7}}}',
        {},
    ),
    "a text, and the header says less": (
        "application/cloudevents-batch+json",
        b'[{"specversion":"1.0","type":"pointsIssued","source":"s","id":"ID","tidingshops":"%s",'
        b'"data":{"totalPointsIssued":1,"customerIdentifiers":{"customerId":7}}}]',
        {"tidings-hops": "1"},
    ),
    "binary": (
        "application/json",
        b'{"totalPointsIssued":1,"customerIdentifiers":{"customerId":7}}',
        {
            "ce-specversion": "1.0",
            "ce-type": "pointsIssued",
            "ce-source": "s",
            "ce-id": "ID",
            "ce-tidingshops": "%s",
        },
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_call_says_how_often_it_has_been_through(
    form: str, new_org: NewOrg, receiver: Receiver
) -> None:
    org, path = new_org(), receiver.path()
    org.webhook(receiver.url(path))
    media, body, headers = FORMS[form]
    for hops in (7, 8):

        def said(text: str, hops: int = hops) -> str:
            return text.replace("%s", str(hops)).replace("ID", new_id())

        filled = {name: said(value) for name, value in headers.items()}
        rows = org.accept(said(body.decode()).encode(), media, **filled)
        for row in rows:
            if hops < 8:
                assert "warning" not in row
                org.settled(row["eventId"], states=("delivered",))
            else:
                assert row["status"] == "accepted"
                assert "passed through Tidings 8 times" in row["warning"]
                shown = org.event(row["eventId"])
                assert shown["deliveries"] == [] and shown["warning"] == row["warning"]
                assert "tidingshops" not in json.dumps(shown["body"])
    assert {arrival.headers["tidings-hops"][:7] for arrival in receiver.arrivals(path)} == {
        "8; via="
    }


@pytest.mark.parametrize("said", ["-1", "", "many", "1e1", "9" * 30, "1;via=a b", "8, 1", "1, 8"])
def test_a_call_that_says_it_wrongly_is_kept_and_sent_to_nobody(said: str, new_org: NewOrg) -> None:
    org = new_org()
    org.webhook(CLOSED)
    [row] = org.accept(bare(), **{"tidings-hops": said})
    assert row["warning"].startswith("Not delivered: ")
    assert org.event(row["eventId"])["deliveries"] == []


def test_no_webhook_sets_it(new_org: NewOrg, receiver: Receiver) -> None:
    org = new_org()
    made = org.webhook(receiver.url(receiver.path()))
    for name in ("tidings-hops", "Tidings-Hops", "TIDINGS-HOPS"):
        body = {"webHookHeaders": {name: "0"}}
        refused = org.send("PATCH", f"/v3/webHooks/{made['webHookId']}", body)
        assert refused.status == 400 and b"reserved_header" in refused.body
        scheme = {"type": "apiKey", "header": name, "value": "0123456789abcdef"}
        body = {"authentication": scheme}
        assert org.send("PATCH", f"/v3/webHooks/{made['webHookId']}", body).status == 400


def test_no_mapping_takes_it_away(new_org: NewOrg) -> None:
    org = new_org()
    org.webhook(CLOSED)
    mapping = BARE | {"fields": {"data.tidings-hops": {"constant": "0"}}}
    url = source(org, mapping=mapping)
    brought(url, org, **{"TiDings-Hops": "8"})
    [row] = stopped(log_of(org))
    assert org.event(row["eventId"])["deliveries"] == []


def test_it_survives_a_kill_retries_replays_and_what_was_put_aside(
    own_service: NewService, receiver: Receiver
) -> None:
    """Through everything an event says the same, and what was set aside says it when redriven."""
    service = own_service().start()
    path = receiver.path(each=[{"status": 503}, {"status": 200}])
    with service.api(ORG) as org:
        hook = org.webhook(receiver.url(path), retryPolicy={"delaysInSeconds": [2]})
        [row] = org.accept(event(new_id(), ORG), **{"tidings-hops": "3; via=elsewhere; of=all"})
        receiver.wait(path, 1)
    service.kill_all()
    service.start()
    with service.api(ORG) as org:
        org.settled(row["eventId"], states=("delivered",))
        org.send(
            "POST",
            "/v1/replays",
            {"webHookId": hook["webHookId"], "states": ["delivered"], "again": True},
        )
        wrong = source(org, "wrong", mapping=ANEW | {"eventName": {"path": "kind"}})
        brought(wrong, org, **{"tidings-hops": "5; via=elsewhere; of=all"})
        [aside] = org.get("/v1/sources/wrong/aside").must(200)["messages"]
        org.send("PATCH", "/v1/sources/wrong", {"mapping": ANEW}).must(200)
        org.send("POST", f"/v1/sources/wrong/aside/{aside['id']}/redrive", {})
        until(lambda: len(receiver.arrivals(path)) >= 4, "a retry, a replay, and what was redriven")
    said = [arrival.headers["tidings-hops"] for arrival in receiver.arrivals(path)]
    assert {text for text in said if text[0] == "4"} == {said[0]} and said[0].endswith("; of=all")
    assert sum(text[0] == "4" for text in said) >= 3
    assert [text for text in said if text[0] == "6"][0].startswith("6; via=elsewhere.")


def test_a_chain_of_sources_and_services_is_sent_through(
    own_service: NewService, receiver: Receiver
) -> None:
    """Two installations, five sources of one org: an honest way of seven hops arrives."""
    first, second = own_service().start(), own_service().start()
    path = receiver.path()
    with first.api(ORG) as far, second.api(ORG) as near:
        kinds = [f"step.{number}" for number in range(6)]
        for api in (far, near):
            api.send("PATCH", f"/v1/orgs/{ORG}", {"settings": {"unknownTypes": "admitted"}})
        for at, kind in enumerate(kinds[1:]):
            api = far if at % 2 else near
            mapping = {"eventName": {"constant": kind}, "data": {"path": "data"}}
            url = source(api, f"to-{at}", mapping=mapping)
            before = near if at % 2 else far
            led_back(before, url, f"to-{at}", eventNames=[kinds[at]])
        last = near if len(kinds[1:]) % 2 else far
        last.webhook(receiver.url(path), eventNames=[kinds[-1]])
        far.accept(bare(kinds[0]))
        until(lambda: receiver.arrivals(path), "the end of the chain")
    [arrived] = receiver.arrivals(path)
    hops, via = arrived.headers["tidings-hops"].split("; ")[:2]
    assert hops == "6" and len(set(via[4:].split("."))) == 6

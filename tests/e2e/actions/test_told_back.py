"""A brand that tells the platform what it has done: the events that its actions make, which hold
what it knows of its customers, go back there without personal data."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions.recipes.search import Search, answers_of, pages_of
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG, ServiceProcess, free_port
from tests.e2e.harness.store.kept import kept_in
from tests.e2e.harness.until import until

BRAND = 100458
KEY = "a value that is long"
PERSONAL = ("asha.rao@brand.example", "Ashalata Rao", "919812300777", "7 harbour lane", "left-hand")
CONTACTS = "customer_id,email,name,phone,street,note\n1," + ",".join(PERSONAL) + "\n"
ECHO = json.dumps({"error": "not taken", "you sent": PERSONAL})
FILE = """
org = {org}

[source]
name = "platform"
verification = {{type = "header", header = "X-Key", value = "{key}"}}

[connections.mail]
type = "smtp"
host = "127.0.0.1"
port = {closed}
sender = "Acme <hello@acme.example>"
recipients = "any"
security = "plaintext"

[lookups.contact]
csv = "contacts.csv"
key = "customer_id"
by = "event.data.customerIdentifiers.customerId"

[lookups.shop]
url = "{fails}?phone={{phone}}"
values = {{phone = "contact.phone"}}

[types.customerReached]
description = "A customer was written to."

[types.customerReached.schema]
type = "object"

[types.customerReached.schema.properties]
channel = {{type = "string"}}
email = {{type = "string", x-pii = "email"}}

[types.customerReached.schema.properties.lines.items.properties]
n = {{type = "integer"}}
text = {{type = "string", x-pii = "text"}}

[actions.reached]
types = ["customerAdded"]
lookups = ["contact"]

[actions.reached.event]
type = "customerReached"

[actions.reached.event.data]
channel = "mail"
email = "{{{{ contact.email }}}}"
name = {{path = "contact.name"}}
lines = [{{n = 1, text = "{{{{ contact.street }}}}", phone = "{{{{ contact.phone }}}}"}}]
written = '{{"note": "{{{{ contact.note }}}}"}}'
customerIdentifiers = {{customerId = 1, mobile = {{path = "contact.phone"}}}}

[actions.mail]
types = ["customerAdded"]
lookups = ["contact"]

[actions.mail.mail]
connection = "mail"
to = "{{{{ contact.email }}}}"
subject = "Hello, {{{{ contact.name }}}}"
text = "{{{{ contact.note }}}}"

[actions.call]
types = ["customerAdded"]
lookups = ["contact"]

[actions.call.call]
method = "POST"
url = "{fails}"
json = {{to = "{{{{ contact.phone }}}}", said = {{path = "contact.note"}}}}

[actions.asks]
types = ["customerAdded"]
lookups = ["contact", "shop"]

[actions.asks.call]
method = "POST"
url = "{fails}"
json = {{to = {{path = "shop"}}}}
"""


@pytest.mark.systems
def test_events_of_a_brands_actions_go_back_to_the_platform_without_personal_data(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    """Nothing else gets on: the mail server is away, and what answers repeats what it was sent."""
    fails = receiver.url(receiver.path(status=500, body=ECHO))
    (tmp_path / "contacts.csv").write_text(CONTACTS)
    file = FILE.format(org=BRAND, key=KEY, closed=free_port(), fails=fails)
    (tmp_path / "actions.toml").write_text(file)
    platform = own_service().start()
    brand = own_service(actions=tmp_path / "actions.toml").start()
    with platform.api() as api:
        settings = {"settings": {"validation": "lenient", "unknownTypes": "admitted"}}
        api.send("PATCH", f"/v1/orgs/{ORG}", settings).must(200)
    with platform.api(ORG) as api, brand.api(BRAND) as its:
        hears_the_brand(api)
        url = f"http://127.0.0.1:{brand.port}/in/{BRAND}/platform"
        asks: dict[str, Any] = {"webHookHeaders": {"X-Key": KEY}, "withoutPersonalData": True}
        api.webhook(url, "brand", eventNames=["customerAdded"], **asks)
        url = f"http://127.0.0.1:{platform.port}/in/{ORG}/brand"
        back = its.webhook(url, "platform", eventNames=["customerReached"], **asks)
        told = [new_id() for _ in range(3)]
        for event in told:
            api.accept(added(event))
        until(lambda: len(reached(api)) == 3, "what the brand tells")
        again = {"webHookId": back["webHookId"], "states": ["delivered"], "again": True}
        its.send("POST", "/v1/replays", again).must(201)
        its.send("POST", "/v1/webHooks/preview", {"webHookId": back["webHookId"]}).must(200)
        until(lambda: failed(its) == 6, "that the brand's calls have failed")
        until(lambda: its.counts()["pending"] == 3, "the mails wait for their server")
        events = [api.event(row["eventId"])["body"]["data"] for row in reached(api)]
        customer = {"customerId": 1}
        whole = {"channel": "mail", "lines": [{"n": 1}], "customerIdentifiers": customer}
        assert events == [whole] * 3
        until(lambda: delivered(its, back) == 6, "the replay, each of which is known there")
    brand.kill_all()
    brand.start()
    with platform.api(ORG) as api:
        api.accept(added(new_id()))
        until(lambda: len(reached(api)) == 4, "what the brand tells after a crash")
    look_through(platform, brand)


def hears_the_brand(api: Api) -> None:
    """What the brand sends is accepted."""
    verification = {"type": "header", "header": "X-Key", "value": KEY}
    source = {"name": "brand", "type": "webhook", "verification": verification}
    api.send("POST", "/v1/sources", source).must(201)


def added(event: str) -> bytes:
    """A customer is new."""
    made = json.loads(bare()) | {"eventName": "customerAdded", "eventId": event}
    made["data"]["customerIdentifiers"] = {"customerId": 1}
    return json.dumps(made).encode()


def reached(api: Api) -> list[Any]:
    """The brand's events, at the platform."""
    found: list[Any] = api.get("/v1/events?eventName=customerReached").must(200)["events"]
    return found


def failed(api: Api) -> int:
    """How many deliveries of the brand's actions have not gone well by now."""
    rows = api.get("/v1/deliveries?limit=100&status=retrying").must(200)["deliveries"]
    return len(rows)


def delivered(api: Api, hook: dict[str, Any]) -> int:
    """How many have gone to the platform."""
    rows = api.get("/v1/deliveries?limit=100&status=delivered").must(200)["deliveries"]
    return sum(row["webHookId"] == hook["webHookId"] for row in rows)


def look_through(platform: ServiceProcess, brand: ServiceProcess) -> None:
    """All that the platform has, against what the brand knows."""
    search = Search(PERSONAL)
    known = {value for _, value in search.hits(kept_in(brand.data))}
    assert known >= set(PERSONAL), "the brand knows it, and the search finds it"
    with platform.api(ORG) as api:
        places = [*answers_of(api), *pages_of(platform, ORG), *kept_in(platform.data)]
    platform.stop()
    places += [*kept_in(platform.data), ("its log", platform.log.read_bytes())]
    assert any(b"customerReached" in content for _, content in places)
    assert search.hits(places) == []

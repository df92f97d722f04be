"""The platform's events hold personal data, and the brand wants none of it: with the webhook's
choice `withoutPersonalData` nothing of it leaves, on whatever way, and the messages go out all the
same, by the brand's own contact list."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions.recipes.mail_server import MailServer
from tests.e2e.actions.recipes.recipe import NOON, ORG, Recipe, zone_at
from tests.e2e.actions.recipes.search import Search, answers_of, pages_of
from tests.e2e.actions.recipes.two import KINDS, TYPES, Two, example
from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG as PLATFORM_ORG
from tests.e2e.harness.store.kept import kept_in
from tests.e2e.harness.until import until

pytestmark = pytest.mark.systems
MEERA = 41200777
MARK = "a-personal-value"  # all that is marked begins so
ASKS: dict[str, Any] = {"withoutPersonalData": True, "retryPolicy": {"delaysInSeconds": [1]}}


def laden(name: str) -> tuple[dict[str, Any], set[str]]:
    """An event with a value of its own at each path that its type marks as personal, and these."""
    made, values = example(name, MEERA, personal=True), set()
    for at, path in enumerate(KINDS[name].pii_paths):
        value = f"{MARK}-{name}-{at:03d}-end"
        whole = path.endswith(("Fields", "Attributes"))
        _put(made, path.split("."), [{"key": value, "value": value}] if whole else value)
        values.add(value)
    return made, values


def _put(value: dict[str, Any], names: list[str], leaf: Any) -> None:
    """Have a value at a path as the catalogue writes it, `coupons[].code`."""
    name, each = names[0].removesuffix("[]"), names[0].endswith("[]")
    if len(names) == 1:
        value[name] = [leaf] if each else leaf
        return
    inner: Any = value.get(name) or ([{}] if each else {})
    value[name] = inner
    _put(inner[0] if each else inner, names[1:], leaf)


def test_no_personal_value_of_an_event_leaves_and_the_mails_go_out_all_the_same(
    own_service: NewService,
    receiver: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe("messages", tmp_path / "recipe")
    recipe.tell(zone=zone_at(NOON))
    events, values = [], set[str]()
    for name in TYPES:
        made, own = laden(name)
        events.append(made)
        values |= own
    assert len(values) > 100
    search = Search([MARK])
    with MailServer(tmp_path / "mail") as mail:
        two = Two(own_service, recipe, monkeypatch, mail, **ASKS)
        path = receiver.path(each=[{"status": 503}])
        with two.at_platform() as api:
            raw = api.webhook(receiver.url(path), "raw", eventNames=list(TYPES), **ASKS)
            two.tell(*events)
            two.arrived(2 * len(TYPES))
            assert len(mail.wait(len(TYPES), "meera.nair@mail.example")) == len(TYPES)
            shown = list(tried_and_replayed(api, two.webhook, raw, events))
            until(lambda: len(receiver.arrivals(path)) >= 4 * len(TYPES), "attempts, all of them")
            two.brand.stop()
            two.tell(*(made | {"eventId": f"{made['eventId']}-late"} for made in events))
            two.brand.start()
            two.arrived(6 * len(TYPES))
        came = receiver.arrivals(path)
        places = [
            (f"arrival {at}", arrival.body + json.dumps(arrival.headers).encode())
            for at, arrival in enumerate(came)
        ]
        with two.at_brand() as api:
            places += answers_of(api)
        places += [*pages_of(two.brand, ORG), *kept_in(two.brand.data), *shown]
        places += [(str(at), bytes(mail)) for at, mail in enumerate(mail.mails())]
        two.brand.stop()
        places += [*kept_in(two.brand.data), ("its log", two.brand.log.read_bytes())]
    assert {arrival.event["eventName"] for arrival in came} == {
        event["eventName"] for event in events
    }
    assert all(str(MEERA).encode() in arrival.body for arrival in came)
    known = b"".join(content for _, content in kept_in(two.platform.data))
    assert [text for text in values if text.encode() not in known] == [], "the platform keeps them"
    assert search.hits(places) == []
    assert PLATFORM_ORG != ORG


def tried_and_replayed(
    api: Api, brand: dict[str, Any], raw: dict[str, Any], events: list[dict[str, Any]]
) -> Any:
    """Previews, test messages and replays, to both; what the calls show of what is sent."""
    for hook in (brand, raw):
        id = hook["webHookId"]
        asked = {"webHookId": id, "limit": 100}
        preview = api.send("POST", "/v1/webHooks/preview", asked)
        if preview.status == 400:
            preview = api.send("POST", "/v1/webHooks/preview", {"webHookId": id})
        rows = preview.must(200)["events"]
        assert rows
        yield from (
            (f"preview {at}", base64.b64decode(row["body"]["base64"]))
            for at, row in enumerate(rows)
        )
        for made in (events[0], events[1], events[-1]):  # of which an org sends one a second
            try_out(api, id, made)
        asks = {"webHookId": id, "states": ["delivered"], "again": True, "ratePerSecond": 1000}
        job = api.send("POST", "/v1/replays", asks).must(201)["id"]

        def over(job: str = job) -> bool:
            found = api.get(f"/v1/replays/{job}").must(200)
            for row in api.get("/v1/deliveries?limit=100&status=retrying").json["deliveries"]:
                api.call("POST", f"/v1/deliveries/{row['id']}/retry")
            return bool(found["state"] == "finished")

        until(over, "a replay that is over")


def try_out(api: Api, hook: str, made: dict[str, Any]) -> None:
    """A test message of a webhook, made of this event."""
    body = {"eventName": made["eventName"], "event": made}

    def sent() -> bool:
        answer = api.send("POST", f"/v1/webHooks/{hook}/test", body)
        return answer.status != 429 and bool(answer.must(200))

    until(sent, "a test message")

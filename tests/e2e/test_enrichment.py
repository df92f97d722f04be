"""Enrichment through the whole service: loaded by the API, added to one webhook's messages."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.platform_answers import WISHES, fill

from ..cli.command import Command
from .harness.api import Api
from .harness.events import new_id
from .harness.fixtures import NewService
from .harness.receiver import Receiver
from .harness.service import KEY, SECRET
from .harness.until import until

PLATFORM = Path(__file__).parent / "harness/platform_process.py"


def thin(event_id: str, org: int | None, customer: int = 41200777) -> bytes:
    """Bytes that a JSON library would not write, to see which of them are touched."""
    return (
        f'{{"eventName":"pointsIssued", "eventId":"{event_id}","orgId":{org},"refId":"r",'
        f'"createdAt":1770801300412,"data":{{"totalPointsIssued":86.00,"customerIdentifiers":'
        f'{{"customerId":{customer}}},"triggeringActivity":{{"name":"NewBill","enteredBy":'
        '{"id":5031}}}}'
    ).encode()


def test_one_webhook_gets_the_enriched_event_and_the_other_the_accepted_bytes(
    api: Api, receiver: Receiver
) -> None:
    fill(api)
    rich, plain = receiver.path(), receiver.path()
    api.webhook(receiver.url(rich), "rich", **WISHES)
    api.webhook(receiver.url(plain), "plain")
    event_id = new_id()
    accepted = thin(event_id, api.org)
    api.accept(accepted)
    [arrival] = receiver.wait(rich, 1)
    data = arrival.event["data"]
    assert data["customerIdentifiers"] == {
        "customerId": 41200777,
        "instore": {
            "mobile": "15550100",
            "email": "asha@example.test",
            "externalId": "EXT-41",
            "cardNumbers": ["6000112233", "6000112244"],
        },
        "wechat": {
            "accounts": [
                {
                    "accountId": "brand",
                    "identifiers": [{"identifierType": "unionId", "identifierValue": "o6_bm"}],
                }
            ]
        },
    }
    assert data["triggeringActivity"]["enteredBy"] == {
        "id": 5031,
        "till": {"code": "till.01", "name": "Till 1"},
        "store": {
            "code": "store.01",
            "name": "Harbour store",
            "externalId": "S-01",
            "externalId1": "",
            "externalId2": "",
        },
    }
    assert data["AvailablePointsBalance"] == 410
    assert b'"totalPointsIssued":86.00,' in arrival.body, "numbers stay as they were written"
    [untouched] = receiver.wait(plain, 1)
    assert untouched.body == accepted
    assert api.event(event_id)["body"] == json.loads(accepted), "what is stored stays thin"


def test_retries_send_the_same_bytes_whatever_was_changed_meanwhile(
    api: Api, receiver: Receiver
) -> None:
    fill(api)
    path = receiver.path(first=[{"status": 500}, {"status": 503}])
    api.webhook(receiver.url(path), retryPolicy={"delaysInSeconds": [1, 1]}, **WISHES)
    event_id = new_id()
    api.accept(thin(event_id, api.org))
    [first] = receiver.wait(path, 1)
    api.send("PUT", "/v1/reference/customers/41200777", {"mobile": "changed"}).must(200)
    api.call("DELETE", "/v1/reference/tills/5031")
    assert api.settled(event_id)["state"] == "delivered"
    arrivals = receiver.arrivals(path)
    assert len(arrivals) == 3 and {arrival.body for arrival in arrivals} == {first.body}
    later = new_id()
    api.accept(thin(later, api.org))
    instore = receiver.wait(path, 4)[3].event["data"]["customerIdentifiers"]["instore"]
    assert instore == {"mobile": "changed"}, "a new event sees the change at once"


def test_the_record_of_another_org_is_never_taken(new_org: Any, receiver: Receiver) -> None:
    one, other = new_org(), new_org()
    fill(one)
    path = receiver.path()
    other.webhook(receiver.url(path), **WISHES)
    event_id = new_id()
    accepted = thin(event_id, other.org)
    other.accept(accepted)
    [arrival] = receiver.wait(path, 1)
    assert arrival.body == accepted, "a message without anything to add is the accepted bytes"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A platform's port, and the file that breaks it."""
    broken = tmp_path / "broken"
    process = subprocess.Popen([sys.executable, str(PLATFORM), str(broken)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield int(process.stdout.readline()), broken
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_platform_is_asked_and_while_it_is_down_each_webhook_does_as_it_says(
    own_service: NewService, receiver: Receiver, platform: tuple[int, Path], tmp_path: Path
) -> None:
    port, broken = platform
    service = own_service(
        platform_url=f"http://127.0.0.1:{port}",
        platform_private="true",
        platform_customers_path="/{orgId}/customers/{id}",
        platform_balances_path="/{orgId}/points/{id}",
        platform_keep_none_s="0",
    ).start()
    with service.api() as api:
        org = api.send("POST", "/v1/orgs", {"name": "An org"}).must(201)["id"]
    with service.api(org) as api:
        wishes: dict[str, Any] = {
            "customerIdentifiersToBeEnriched": ["Instore"],
            "availablePointsBalanceEnrichmentEnabled": True,
        }
        goes, waits = receiver.path(first=[{"status": 200}, {"status": 503}]), receiver.path()
        wishes["retryPolicy"] = {"delaysInSeconds": [1]}
        hook = api.webhook(receiver.url(goes), "goes", **wishes)
        patient = api.webhook(receiver.url(waits), "waits", enrichmentWhenDown="wait", **wishes)
        known = new_id()
        api.accept(thin(known, org, customer=7))
        for path in (goes, waits):
            data = receiver.wait(path, 1)[0].event["data"]
            email = f"{org}-7@platform.example.test"
            assert data["customerIdentifiers"]["instore"] == {"email": email}
            assert data["AvailablePointsBalance"] == 7

        broken.touch()
        event_id = new_id()
        accepted = thin(event_id, org, customer=8)
        api.accept(accepted)
        assert receiver.wait(goes, 2)[1].body == accepted, "thin"
        assert receiver.wait(goes, 3)[2].body == accepted, "the retry sends the same"
        until(lambda: api.delivery_of(event_id, hook)["state"] == "delivered", "the retry")
        warning = api.delivery_of(event_id, hook)["warning"]
        assert warning["code"] == "sent_thin"
        assert warning["leftOut"] == [
            "customerIdentifiersToBeEnriched",
            "availablePointsBalanceEnrichmentEnabled",
        ]
        assert warning["message"].startswith(
            "It was sent without customer identifiers and the points balance. The platform's API "
        )
        assert warning["message"].endswith("set enrichmentWhenDown to wait.")
        assert api.delivery_of(known, hook)["warning"] is None
        assert api.delivery_of(event_id, patient)["warning"] is None
        [said] = [row for row in api.event(event_id)["deliveries"] if row["warning"]]
        assert said["warning"] == warning
        command = Command(
            tmp_path,
            TIDINGS_URL=f"http://127.0.0.1:{service.port}",
            TIDINGS_KEY=f"{KEY}:{SECRET}",
            TIDINGS_ORG=str(org),
        )
        shown = " ".join(command("show", said["id"]).must(0).out.split())
        assert "warning It was sent without customer identifiers and the points balance." in shown
        metrics = api.get("/metrics").body.decode()
        assert "tidings_enrichment_thin_total 1.0" in metrics
        assert len(receiver.arrivals(waits)) == 1

        broken.unlink()
        until(lambda: len(receiver.arrivals(waits)) == 2, "the one that waits")
        data = receiver.arrivals(waits)[1].event["data"]
        assert data["customerIdentifiers"]["instore"]["email"].startswith(f"{org}-8@")
        assert data["AvailablePointsBalance"] == 8
    assert service.stop() == 0
    assert "platform.example.test" not in service.words()

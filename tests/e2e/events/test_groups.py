"""Events of the platform that are not as usual, through the whole service: a group's, those with
identifiers in another spelling, a request in its older form, an org's number with a point."""

import json
from functools import partial
from typing import Any

from tests.e2e.platform_answers import WISHES, fill

from ..harness.api import Api
from ..harness.events import CREATED, new_id
from ..harness.receiver import Receiver
from ..harness.until import until

GROUP, MEMBER = 395718, 138416440
NO_CUSTOMER = (
    "It was sent without customer identifiers, card numbers and the points balance: it belongs to "
    "a group, so there is no customer to look up. There is nothing to do."
)


def redeemed(event_id: str, org: int, **data: Any) -> dict[str, Any]:
    """As the platform sends it of a group: its search key leads nowhere."""
    activity = {
        "name": "PointsRedemption",
        "enteredBy": {"id": 5031},
        "entityInformation": {"entityType": "USER", "entityId": MEMBER},
    }
    entity = {"entityType": "USERGROUP2", "entityId": GROUP}
    return {
        "eventName": "pointsRedeemed",
        "eventId": event_id,
        "orgId": org,
        "createdAt": CREATED,
        "eventSearchKey": "data.customerIdentifiers.customerId",
        "data": {"entityInformation": entity, "triggeringActivity": activity} | data,
    }


def posted(api: Api, event: dict[str, Any]) -> str:
    api.accept(json.dumps(event).encode())
    return str(event["eventId"])


def found(api: Api, value: object) -> set[str]:
    page = api.get(f"/v1/events?q={value}").must(200)
    return {row["eventId"] for row in page["events"]}


def finds(api: Api, value: object, event_id: str) -> bool:
    """Whether a value finds this event and no other."""
    return found(api, value) == {event_id}


def test_a_groups_event_is_found_enriched_by_till_and_store_and_says_why_no_customer(
    api: Api, receiver: Receiver
) -> None:
    fill(api)
    path = receiver.path()
    hook = api.webhook(
        receiver.url(path), eventNames=["pointsRedeemed"], enrichmentWhenDown="wait", **WISHES
    )
    event_id = posted(api, redeemed(new_id(), api.org))
    [arrival] = receiver.wait(path, 1)
    data = arrival.event["data"]
    assert data["triggeringActivity"]["enteredBy"]["till"]["code"] == "till.01"
    assert data["triggeringActivity"]["enteredBy"]["store"]["code"] == "store.01"
    assert "customerIdentifiers" not in data and "AvailablePointsBalance" not in data
    done = api.settled(event_id, hook)
    assert done["state"] == "delivered"
    assert done["warning"] == {
        "code": "no_customer",
        "message": NO_CUSTOMER,
        "leftOut": [
            "customerIdentifiersToBeEnriched",
            "cardNumberEnrichmentEnabled",
            "availablePointsBalanceEnrichmentEnabled",
        ],
    }
    tried = api.send("POST", "/v1/webHooks/preview", {"webHookId": hook["webHookId"]}).must(200)
    [row] = tried["events"]
    assert row["received"] and row["warning"] == done["warning"]
    assert json.loads(row["body"]["text"]) == arrival.event
    for value in (GROUP, MEMBER):
        until(partial(finds, api, value, event_id), f"found by {value}")


def test_events_of_one_group_keep_their_order_and_a_customer_of_its_number_does_not_wait(
    api: Api, receiver: Receiver
) -> None:
    path = receiver.path(first=[{"status": 503}])
    api.webhook(
        receiver.url(path),
        eventNames=["pointsRedeemed"],
        ordering="key",
        retryPolicy={"delaysInSeconds": [1]},
    )
    org = api.org
    first = posted(api, redeemed(new_id(), org))
    receiver.wait(path, 1)
    second = posted(api, redeemed(new_id(), org, customerIdentifiers={}))
    customer = posted(api, redeemed(new_id(), org, customerIdentifiers={"customerId": GROUP}))
    same = posted(
        api,
        redeemed(new_id(), org, entityInformation={"entityType": "USER", "entityId": GROUP}),
    )
    assert api.settled(customer)["state"] == "delivered"
    assert api.settled(second)["state"] == "delivered"
    order = [arrival.event_id for arrival in receiver.wait(path, 5)]
    assert order[0] == first and order.index(customer) < order.index(same)
    again = order.index(first, 1)
    assert order.index(customer) < again < order.index(second)


def test_rules_of_a_webhook_and_its_look_ups_mean_a_source_in_every_spelling(
    api: Api, receiver: Receiver
) -> None:
    fill(api)
    whole, cut, picky = receiver.path(), receiver.path(), receiver.path()
    names = ["pointsRedeemed"]
    api.webhook(receiver.url(whole), "whole", eventNames=names, **WISHES)
    api.webhook(
        receiver.url(cut),
        "cut",
        eventNames=names,
        fields={"drop": ["data.customerIdentifiers.instore", "data.customerIdentifiers.wechat"]},
        **WISHES,
    )
    test = {"path": "data.customerIdentifiers.instore.mobile", "eq": "15550100"}
    api.webhook(receiver.url(picky), "picky", eventNames=names, filter=test)
    block = {"customerId": 41200777, "Instore": {"mobile": "15550100"}, "WeChat": None}
    activity = {"enteredAt": {"id": 5031}}
    given = redeemed(new_id(), api.org, customerIdentifiers=block, triggeringActivity=activity)
    event_id = posted(api, given)
    [one] = receiver.wait(whole, 1)
    made = one.event["data"]["customerIdentifiers"]
    assert made == {
        "customerId": 41200777,
        "Instore": {
            "mobile": "15550100",
            "email": "asha@example.test",
            "externalId": "EXT-41",
            "cardNumbers": ["6000112233", "6000112244"],
        },
        "WeChat": None,
    }
    actor = one.event["data"]["triggeringActivity"]["enteredAt"]
    assert actor["till"]["code"] == "till.01" and actor["store"]["code"] == "store.01"
    [thin] = receiver.wait(cut, 1)
    assert thin.event["data"]["customerIdentifiers"] == {"customerId": 41200777}
    assert [found.event_id for found in receiver.wait(picky, 1)] == [event_id]
    until(lambda: found(api, "15550100") == {event_id}, "found by the mobile number")


def test_a_request_in_its_older_form_is_treated_like_its_twin(api: Api, receiver: Receiver) -> None:
    fill(api)
    path = receiver.path()
    api.webhook(receiver.url(path), eventNames=["requestUpdated"], **WISHES)
    event_id = new_id()
    old = {
        "eventName": "requestUpdated",
        "eventId": event_id,
        "orgId": api.org,
        "createdAt": 1663690031667,
        "requestTrackingId": "7676878",
        "requestType": "CUSTOMER",
        "requestBaseType": "DELETE",
        "comments": "any",
        "status": "APPROVED",
        "customerId": 4545332,
        "data": {
            "requestId": "id",
            "createdBy": {"id": 5031},
            "updatedFields": [{"fieldName": "status", "currentValue": "APPROVED"}],
        },
    }
    posted(api, old)
    [arrival] = receiver.wait(path, 1)
    assert arrival.event["data"]["createdBy"]["store"]["code"] == "store.01"
    assert arrival.event["customerId"] == 4545332
    for value in ("7676878", "4545332"):
        until(partial(finds, api, value, event_id), f"found by {value}")


def test_an_orgs_number_with_a_point_is_that_org_everywhere_and_goes_out_as_it_came(
    api: Api, receiver: Receiver
) -> None:
    plain, cut = receiver.path(), receiver.path()
    hook = api.webhook(receiver.url(plain), "plain")
    only = {"path": "orgId", "eq": api.org}
    api.webhook(receiver.url(cut), "cut", filter=only, fields={"drop": ["createdAt"]})
    event_id = new_id()
    body = (
        f'{{"eventName":"pointsIssued","eventId":"{event_id}","orgId":{api.org}.0,'
        f'"createdAt":{CREATED},"data":{{"customerIdentifiers":{{"customerId":77123.0}}}}}}'
    ).encode()
    api.accept(body)
    assert receiver.wait(plain, 1)[0].body == body
    shaped = receiver.wait(cut, 1)[0].body
    assert f'"orgId":{api.org}.0,'.encode() in shaped and b"createdAt" not in shaped
    seen = api.event(event_id)
    assert (seen["eventId"], seen["orgId"]) == (event_id, api.org)
    assert isinstance(seen["orgId"], int)
    until(lambda: found(api, 77123) == {event_id}, "found by the customer")
    tried = api.send("POST", "/v1/webHooks/preview", {"webHookId": hook["webHookId"]}).must(200)
    assert [row["received"] for row in tried["events"]] == [True]
    asked = {"webHookId": hook["webHookId"], "eventIds": [event_id], "again": True}
    api.send("POST", "/v1/replays", asked).must(201)
    assert receiver.wait(plain, 2)[1].body == body

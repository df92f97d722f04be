"""Another name of an event type in a running service: the type's to all who ask, bytes as sent."""

import json
from urllib.parse import quote

from tidings.catalogue import load

from ..harness.api import Api
from ..harness.events import new_id
from ..harness.receiver import Receiver

ALIAS, TYPE = "PP_EXPIRY_JOB", "partnerProgramUpdated"
CARD = "FP-1 of an alias"


def test_an_event_under_another_name_is_the_types_wherever_somebody_looks(
    api: Api, receiver: Receiver
) -> None:
    place, other = receiver.path(), receiver.path()
    api.webhook(receiver.url(place), name="of the type", eventNames=[TYPE])
    wish = {"webHookUrl": receiver.url(other), "maxAllowedConnections": 1, "name": "by alias"}
    made = api.send("POST", "/v3/webHooks", wish | {"eventNames": [ALIAS, TYPE, ALIAS]}).must(200)
    assert made["data"]["eventNames"] == [TYPE]
    assert {row["code"] for row in made["warnings"]} == {"event_name_alias"}

    details = {"membershipNumber": CARD, "membershipExpiryDate": "2027-08-31 00:00:00"}
    event_id = new_id()
    sent = json.dumps(
        {
            "eventName": ALIAS,
            "eventId": event_id,
            "orgId": 0,
            "createdAt": 1770801300412,
            "data": {"updateType": "RENEW", "customerPartnerProgramDetails": details},
        },
        indent=1,
    ).encode()
    api.accept(sent)
    for path in (place, other):
        assert [arrival.body for arrival in receiver.wait(path, 1)] == [sent]

    assert api.event(event_id)["eventName"] == TYPE
    for name in (TYPE, ALIAS):
        for what in ("events", "deliveries"):
            asked = f"/v1/{what}?eventName={name}&q={quote(CARD)}"
            found = api.get(asked).must(200)[what]
            assert {(row["eventId"], row["eventName"]) for row in found} == {(event_id, TYPE)}
    assert api.get(f"/v1/eventTypes/{ALIAS}").must(200)["eventName"] == TYPE
    listed = api.get("/v3/webHooks/eventMetaData").must(200)["data"]
    assert ALIAS not in [row["eventName"] for row in listed]
    taken = api.send("PUT", f"/v1/eventTypes/{ALIAS}", {"description": "Ours.", "schema": {}})
    assert taken.must(409)["error"]["code"] == "event_name_taken"


def test_every_alias_stands_for_a_type() -> None:
    assert load().aliases == {ALIAS: TYPE}
    assert load().get(ALIAS) is None and ALIAS not in load().names()

"""The feed of an org's events: what each row tells, and the values that it is searched by."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.control_client import Service, service
from tidings.core.ids import OrgId
from tidings.reads.events.rejections import taken

REQUEST = "7f3d9c1e-8b2a-4d55-9d61-0c54a8b0f1aa"
IDENTIFIERS = {
    "customerId": 41200999,
    "instore": {
        "mobile": "919876543210",
        "email": "asha@acme.example",
        "externalId": "EXT-77",
        "cardnumber": "8000123412341234",
    },
}


async def accept(s: Service, id: str, name: str, data: Any, **fields: Any) -> str:
    """An event by the very way of the accept path; its id."""
    body = json.dumps({"eventName": name, "eventId": id, "data": data} | fields).encode()
    event_id, verdict = await taken(s.services.events.readmission.take(OrgId(1), body))
    assert verdict.status == "accepted"
    return event_id


async def found(s: Service, **query: str) -> list[str]:
    reply = await s.call("GET", f"/v1/events?{urlencode(query)}")
    assert reply.status == 200, reply.body
    return [row["eventId"] for row in reply.json["events"]]


async def test_each_row_and_the_event_itself_tell_the_request_and_the_reference() -> None:
    async with service() as s:
        data = {"customerIdentifiers": {"customerId": 7}}
        plain = await accept(s, "e1", "customerAdded", data)
        told = await accept(s, "e2", "customerAdded", data, apiRequestId=REQUEST, refId="1_7")
        rows = (await s.call("GET", "/v1/events")).json["events"]
        assert [(row["eventId"], row["requestId"], row["refId"]) for row in rows] == [
            (told, REQUEST, "1_7"),
            (plain, None, None),
        ]
        one = (await s.call("GET", f"/v1/events/{told}")).json
        assert (one["requestId"], one["refId"]) == (REQUEST, "1_7")


@pytest.mark.parametrize(
    "value",
    [
        "asha@acme.example",
        "919876543210",
        "+91 98765 43210",
        "EXT-77",
        "8000123412341234",
        "BILL-2026-01",
        REQUEST,
        "41200999",
    ],
)
async def test_an_event_is_found_by_every_value_that_the_originals_feed_is_searched_by(
    value: str,
) -> None:
    """E-mail, mobile, external id, card number, bill number, API request id, and customer id."""
    async with service() as s:
        other = {"customerIdentifiers": {"customerId": 7}, "billNumber": "B-2"}
        await accept(s, "e1", "transactionAdded", other, apiRequestId="another")
        data = {"customerIdentifiers": IDENTIFIERS, "billNumber": "BILL-2026-01"}
        wanted = await accept(s, "e2", "transactionAdded", data, apiRequestId=REQUEST)
        assert await found(s, q=value) == [wanted]
        assert await found(s, q=value, eventName="transactionAdded") == [wanted]
        assert await found(s, q=value, eventName="pointsIssued") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mobile", "919876543210"),
        ("email", "asha@acme.example"),
        ("externalId", "EXT-77"),
        ("cardnumber", "8000123412341234"),
    ],
)
async def test_a_thin_event_is_found_by_the_one_identifier_that_it_carries(
    field: str, value: str
) -> None:
    async with service() as s:
        data = {"customerIdentifiers": {"customerId": 41200999, field: value}}
        wanted = await accept(s, "e2", "pointsIssued", data)
        assert await found(s, q=value) == [wanted]

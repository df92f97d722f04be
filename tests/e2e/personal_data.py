"""Webhooks and events with personal data, and what may not be found of it."""

from typing import Any

from tests.e2e.harness.api import Api

ASKS: dict[str, Any] = {"withoutPersonalData": True}

ENRICHED: dict[str, Any] = {
    "tillDetailsEnrichmentEnabled": True,
    "customerIdentifiersToBeEnriched": ["Instore", "WeChat"],
    "cardNumberEnrichmentEnabled": True,
}

PERSONAL = (
    b"15550100", b"ashalata", b"Ashalata", b"EXT-41-abroad", b"6000112233", b"o6_bm_open_id",
    b"9155501987", b"harbour lane", b"15550177", b"-traced-user", b"-some-remark", b"-one-more-id",
)  # fmt: skip
"""Each is so long that no random id, signature or figure has it by chance."""


def issued(event_id: str, org: int) -> bytes:
    """An event with personal data where the type declares it, in another spelling, and where
    nobody has declared anything."""
    return (
        f'{{"eventName":"pointsIssued","eventId":"{event_id}","orgId":{org},"createdAt":1770801300,'
        '"traceAttributes":{"x-user":"sec-1-traced-user"},"phone":"15550177","data":{"totalPointsIssued":66.10,'
        '"customerIdentifiers":{"customerId":41200777,"firs\\u0074Name":"Ashalata","mobile":9155501987,'
        '"INSTORE":{"email":"ashalata@example.test","address":"7 harbour lane"}},'
        '"note":"call 15550177","nested":{"deep":[{"mail":"ashalata@example.test"}]},'
        '"triggeringActivity":{"name":"NewBill","enteredBy":{"id":5031},"additionalAttributes":'
        '[{"key":"Remarks","value":"sec-2-some-remark"}],"identifiers":[{"key":"billId","value":"B-1",'
        '"more":"sec-3-one-more-id"}]}}}'
    ).encode()


def fill(api: Api) -> None:
    """What enrichment knows of the customer and of the till."""
    till = {"code": "till.01", "name": "Till 1", "storeId": "9"}
    api.send("PUT", "/v1/reference/tills/5031", till).must(201)
    csv = (
        b"id,mobile,email,externalId,cardNumbers,wechat.brand.unionId\n"
        b"41200777,15550100,ashalata@example.test,EXT-41-abroad,6000112233,o6_bm_open_id\n"
    )
    api.call("POST", "/v1/reference/customers:load", csv, {"content-type": "text/csv"}).must(200)

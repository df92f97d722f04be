"""What the platform answers to the look-ups of enrichments."""

from typing import Any

from tests.e2e.harness.api import Api

WISHES: dict[str, Any] = {
    "tillDetailsEnrichmentEnabled": True,
    "storeDetailsEnrichmentEnabled": True,
    "customerIdentifiersToBeEnriched": ["Instore", "WeChat"],
    "cardNumberEnrichmentEnabled": True,
    "availablePointsBalanceEnrichmentEnabled": True,
}


def fill(api: Api) -> None:
    """One of each kind."""
    put = {
        "tills/5031": {"code": "till.01", "name": "Till 1", "storeId": "9"},
        "stores/9": {"code": "store.01", "name": "Harbour store", "externalId": "S-01"},
    }
    for path, record in put.items():
        api.send("PUT", f"/v1/reference/{path}", record).must(201)
    csv = (
        b"id,mobile,email,externalId,cardNumbers,pointsBalance,wechat.brand.unionId\n"
        b"41200777,15550100,asha@example.test,EXT-41,6000112233;6000112244,410,o6_bm\n"
    )
    headers = {"content-type": "text/csv"}
    done = api.call("POST", "/v1/reference/customers:load", csv, headers).must(200)
    assert done["loaded"] == 1

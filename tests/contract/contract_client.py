"""The calls of an integration that was written for the original: its bodies, and nothing of ours.

The bodies have the shapes that the original's documentation prints (docs/contract/api.md); names
and hosts are made anew.
"""

import hashlib
from typing import Any

from tests.api.control_client import Service, basic

ANSWER = {"data", "errors", "warnings"}

# Every field of an answered webhook, with the types that JSON readers were generated for.
WEBHOOK: dict[str, type | tuple[type, ...]] = {
    "attribution": dict,
    "webHookId": str,
    "name": str,
    "eventNames": list,
    "webHookUrl": str,
    "webHookType": str,
    "methodType": str,
    "webHookHeaders": dict,
    "noOfRetryAttempts": int,
    "maxAllowedConnections": int,
    "active": bool,
    "slaInSeconds": (int, type(None)),
    "consumerGroupId": str,
    "listenToChildEvents": bool,
    "tillDetailsEnrichmentEnabled": bool,
    "storeDetailsEnrichmentEnabled": bool,
    "customerIdentifiersToBeEnriched": list,
    "awardedReferenceEnrichmentEnabled": bool,
    "availablePointsBalanceEnrichmentEnabled": bool,
}
ATTRIBUTION = (
    "createdOn createdOnISO lastUpdatedOn lastUpdatedOnISO lastUpdatedBy createdBy".split()
)
# `id` is a number of a database: clients are generated with an int of 32 or 64 bits for it.
PERSON: dict[str, type] = {"id": int, "code": str, "description": str, "name": str, "type": str}
ID_MAX = 2**31 - 1

OLD_BODY: dict[str, Any] = {  # the fields of 2020 to 2022
    "active": True,
    "eventNames": ["transactionAdded", "pointsRedeemed"],
    "maxAllowedConnections": 10.99,
    "methodType": "POST",
    "name": "DemoWebhook1",
    "slaInSeconds": 30,
    "webHookHeaders": {"Content-Type": "application/json"},
    "webHookType": "HTTP",
    "webHookUrl": "https://receiver.example.com/",
}
NEW_BODY: dict[str, Any] = {  # all fields of 2025 and 2026
    "name": "All_Events_v3",
    "active": True,
    "eventNames": ["customerAdded", "pointsIssued", "CouponIssue", "tierRenewed"],
    "webHookUrl": "https://receiver.example.com/all",
    "webHookType": "HTTP",
    "methodType": "POST",
    "webHookHeaders": {"Authorization": "Basic bm90OnJlYWw=", "Content-Type": "application/json"},
    "maxAllowedConnections": 15,
    "slaInSeconds": 150,
    "tillDetailsEnrichmentEnabled": True,
    "storeDetailsEnrichmentEnabled": False,
    "customerIdentifiersToBeEnriched": ["WeChat", "WebEngage", "Instore"],
    "awardedReferenceEnrichmentEnabled": True,
    "availablePointsBalanceEnrichmentEnabled": False,
    "listenToChildEvents": False,
    "neoEnrichment": {},
    "noOfRetryAttempts": 0,
    "consumerGroupId": "",
}


def md5_hex(password: str) -> str:
    """How a till sends its password."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


async def till(s: Service, org: int, code: str, **scopes: str) -> str:
    """A till's credential in an org; the header that it sends."""
    body = {"kind": "till", "code": code, "password": "till-password-1", "scopes": scopes}
    reply = await s.call("POST", f"/v1/orgs/{org}/credentials", body)
    assert reply.status == 201, reply.body
    return basic(code, md5_hex("till-password-1"))

"""One message is one event: also where its sender signs the body alone, and no id."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.api.control_client import START_MS, Reply, Service, service
from tidings.core.shaping.signatures.secrets import show_secret

pytestmark = pytest.mark.usefixtures("way")
KEY = "a secret of the sender"
HMAC = {"type": "hmac", "header": "X-Sig", "secret": KEY}
TIMED = HMAC | {"timestampHeader": "X-Time"}
STATIC = {"type": "header", "header": "X-Sig", "value": "a value that is long"}
SIGNED = {"type": "standardWebhooks", "secret": show_secret(b"s" * 32)}
BODY = b'{"eventName": "shop.paid", "data": {"id": 7, "n": 1}}'
DIGEST = {"digest": "body"}
NOW_S = START_MS // 1000


async def make(s: Service, **fields: Any) -> Any:
    await s.call("PATCH", "/v1/orgs/1", {"settings": {"unknownTypes": "admitted"}})
    reply = await s.call("POST", "/v1/sources", {"name": "shop"} | fields)
    assert reply.status == 201, reply.body
    return reply.json


async def send(s: Service, scheme: dict[str, Any], body: bytes, id: str, at: int) -> Reply:
    signed = f"{at}.".encode() + body if scheme is TIMED else body
    proof = hmac.digest(KEY.encode(), signed, hashlib.sha256).hex()
    value = STATIC["value"] if scheme is STATIC else proof
    headers = {"X_Sig": value, "X_Time": str(at), "webhook_id": id, "X_Id": id}
    return await s.call("POST", "/in/1/shop", body, auth=None, **headers)


@pytest.mark.parametrize("scheme", [HMAC, TIMED, STATIC], ids=["hmac", "with a time", "header"])
@pytest.mark.parametrize("message_id", [DIGEST, {"path": "data.id"}], ids=["digest", "path"])
async def test_a_body_under_other_ids_is_the_same_event(
    scheme: dict[str, Any], message_id: dict[str, str]
) -> None:
    async with service() as s:
        source = await make(s, verification=scheme, messageId=message_id)
        assert (source["messageId"], source["warnings"]) == (message_id, [])
        told = [(await send(s, scheme, BODY, f"m{n}", NOW_S + n)).json for n in range(4)]
        assert [row["accepted"] for row in told] == [1, 0, 0, 0]
        assert [row["duplicates"] for row in told] == [0, 1, 1, 1]
        other = BODY.replace(b'"id": 7', b'"id": 8')
        assert (await send(s, scheme, other, "m0", NOW_S)).json["accepted"] == 1
        # A body of other bytes is another message by its digest, and by a field of it a repeat that
        # was written otherwise; with other values it is neither.
        blank = BODY.replace(b'"n": 1', b'"n":  1')
        answer = (await send(s, scheme, blank, "m0", NOW_S)).json
        assert (answer["accepted"], answer["duplicates"], answer["aside"]) == (
            (1, 0, False) if message_id is DIGEST else (0, 1, False)
        )
        changed = BODY.replace(b'"n": 1', b'"n": 2')
        answer = (await send(s, scheme, changed, "m0", NOW_S)).json
        assert (answer["accepted"], answer["duplicates"], answer["aside"]) == (
            (1, 0, False) if message_id is DIGEST else (0, 0, True)
        )


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ({"verification": HMAC}, "webhook-id"),
        ({"verification": STATIC}, "webhook-id"),
        ({"verification": HMAC, "messageId": {"header": "X-Id"}}, "X-Id"),
        ({"verification": HMAC, "mapping": {"eventId": {"header": "X-Id"}}}, "X-Id"),
        (
            {"verification": HMAC, "messageId": DIGEST, "mapping": {"eventId": {"header": "X-I"}}},
            "X-I",
        ),
        ({"verification": SIGNED}, None),
        ({"verification": HMAC, "mapping": {"eventId": {"path": "id"}}}, None),
        ({"verification": HMAC, "mapping": {"eventName": {"path": "a"}}}, "webhook-id"),
    ],
)
async def test_an_id_that_nobody_signs_is_said(fields: dict[str, Any], header: str | None) -> None:
    async with service() as s:
        source = await make(s, **fields)
        if header is None:
            assert source["warnings"] == []
        else:
            [warning] = source["warnings"]
            assert f"by the header {header}:" in warning and '{"digest": "body"}' in warning
        [listed] = (await s.call("GET", "/v1/sources")).json["sources"]
        assert listed["warnings"] == source["warnings"]


@pytest.mark.parametrize(
    "said",
    [{"digest": "headers"}, {"digest": True}, {"digest": "body", "path": "id"}, {"digest": None}],
)
async def test_a_digest_is_of_the_body_and_stands_alone(said: Any) -> None:
    async with service() as s:
        body = {"name": "shop", "verification": HMAC, "messageId": said}
        reply = await s.call("POST", "/v1/sources", body)
        assert (reply.status, reply.json["error"]["code"]) == (400, "bad_pick")


async def test_what_was_stored_as_a_pick_is_read_as_before() -> None:
    async with service() as s:
        await make(s, verification=HMAC, messageId={"path": "data.id", "as": "text"})
        changed = await s.call("PATCH", "/v1/sources/shop", {"messageId": DIGEST})
        assert changed.json["messageId"] == DIGEST
        back = await s.call("PATCH", "/v1/sources/shop", {"messageId": {"header": "X-Id"}})
        assert back.json["messageId"] == {"header": "X-Id"}
        assert (await s.call("PATCH", "/v1/sources/shop", {"messageId": None})).json[
            "messageId"
        ] is None
        fresh = {"name": "new", "verification": HMAC, "messageId": DIGEST}
        message = {"headers": {}, "body": json.loads(BODY)}
        tried = await s.call("POST", "/v1/sources/preview", {"message": message, "source": fresh})
        assert tried.json["place"].startswith("sha256 ") and len(tried.json["place"]) == 71

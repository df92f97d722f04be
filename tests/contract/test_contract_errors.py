"""The contract's errors: each code with its status, its field and a sentence, in the envelope."""

from typing import Any

import pytest

from tests.api.control_client import Reply, basic, service
from tests.contract.contract_client import ANSWER, OLD_BODY, md5_hex, till
from tidings.engine.access.access import AuthenticatedCaller
from tidings.errors import Busy


def refused(reply: Reply, status: int, code: int | str, field: str | None = None) -> None:
    assert reply.status == status, reply.body
    assert reply.json.keys() == ANSWER
    assert reply.json["data"] is None and reply.json["warnings"] is None
    [error] = reply.json["errors"]
    assert error.keys() == {"code", "message", "field"}
    assert error["code"] == code and len(error["message"]) > 20
    if field is not None:
        assert error["field"] == field and error["message"].endswith(f"({code}, field {field})")


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("eventNames", None, 51003),
        ("eventNames", [], 51003),
        ("maxAllowedConnections", 0, 51007),
        ("maxAllowedConnections", -1, 51007),
        ("maxAllowedConnections", 0.5, 51007),
        ("maxAllowedConnections", None, 300004),
        ("eventNames", ["noSuchEvent"], "unknown_event_name"),
        ("webHookUrl", "ftp://x.example", "url_refused"),
        ("webHookType", "SMTP", "bad_webhook_type"),
        ("methodType", "TRACE", "bad_method"),
    ],
)
async def test_a_body_is_refused_by_its_documented_code(
    method: str, field: str, value: Any, code: int | str
) -> None:
    async with service() as s:
        path = "/v3/webHooks"
        if method == "PUT":
            made = await s.call("POST", path, OLD_BODY)
            path += "/" + made.json["data"]["webHookId"]
        refused(await s.call(method, path, OLD_BODY | {field: value}), 400, code, field)


@pytest.mark.parametrize(
    ("field", "code"), [("eventNames", 51003), ("maxAllowedConnections", 300004)]
)
async def test_a_field_that_is_missing_at_create(field: str, code: int) -> None:
    async with service() as s:
        body = {name: value for name, value in OLD_BODY.items() if name != field}
        refused(await s.call("POST", "/v3/webHooks", body), 400, code, field)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("id", ["0" * 24, "nonsense", "x" * 300])
async def test_an_unknown_webhook_is_400(method: str, id: str) -> None:
    async with service() as s:
        reply = await s.call(method, f"/v3/webHooks/{id}", OLD_BODY)
        refused(reply, 400, 400, "webHookId")


async def test_a_used_name_is_refused() -> None:
    async with service() as s:
        await s.call("POST", "/v3/webHooks", OLD_BODY)
        refused(await s.call("POST", "/v3/webHooks", OLD_BODY), 409, "name_taken", "name")


CALLS = [
    ("GET", "/v3/webHooks", None),
    ("POST", "/v3/webHooks", OLD_BODY),
    ("PUT", f"/v3/webHooks/{'0' * 24}", OLD_BODY),
    ("DELETE", f"/v3/webHooks/{'0' * 24}", None),
    ("GET", "/v3/webHooks/eventMetaData", None),
    ("GET", "/v3/webHooks/eventMetaData/pointsIssued", None),
    ("GET", "/v3/webHooks/eventLog/requestId/r", None),
    ("GET", "/v3/webHooks/eventLog/refId/r", None),
    ("GET", "/v3/webHooks/eventLog/e", None),
    ("GET", f"/v3/events/consumer-groups/{'0' * 36}/logs", None),
    ("GET", f"/v3/events/consumer-groups/{'0' * 36}/metrics", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_access(method: str, path: str, body: Any) -> None:
    """401 without a credential and with a wrong one, 403 and 4000 without the right, 503 and 4001
    while it cannot be said."""
    async with service() as s:
        header = await till(s, 1, "demo.till", webhooks="read", events="write")
        nothing = await till(s, 1, "other.till", events="write")
        wrong = basic("demo.till", md5_hex("another password"))
        for auth in (None, wrong, "Basic x", "Nonsense"):
            reply = await s.call(method, path, body, auth)
            refused(reply, 401, 401)
            assert "www-authenticate" in reply.headers
        refused(await s.call(method, path, body, nothing), 403, 4000)
        reply = await s.call(method, path, body, header)
        if method == "GET":
            assert reply.status in (200, 400)  # only what it names is not there
        else:
            refused(reply, 403, 4000)

        def away(*_: Any) -> AuthenticatedCaller:
            raise Busy.because("access_down", "Rights must be known to call this; they are not.")

        s.access.caller = away  # type: ignore[assignment, method-assign]
        refused(await s.call(method, path, body), 503, 4001)


async def test_a_token_is_taken_in_the_originals_header_and_as_bearer() -> None:
    async with service() as s:
        body = {"kind": "oauth", "scopes": {"webhooks": "write"}}
        made = (await s.call("POST", "/v1/orgs/1/credentials", body)).json
        client = {"key": made["id"], "secret": made["secret"]}
        reply = await s.call("POST", "/v3/oauth/token/generate", client, auth=None)
        assert reply.status == 200 and reply.json["errors"] is None
        data = reply.json["data"]
        assert data["ttlSeconds"] > 0
        token = data["accessToken"]
        own = await s.call("GET", "/v3/webHooks", auth=None, x_cap_api_oauth_token=token)
        bearer = await s.call("GET", "/v3/webHooks", auth=f"Bearer {token}")
        assert own.status == bearer.status == 200
        wrong = await s.call("GET", "/v3/webHooks", auth=None, x_cap_api_oauth_token="x")
        refused(wrong, 401, 401)

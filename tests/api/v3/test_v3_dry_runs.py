"""`/v3/webHooks` with `dryRun=true`: the same checks and the same words, and nothing is written."""

from typing import Any

import pytest

from tests.api.control_client import BASIC, Reply, Service, basic, service
from tidings.core.ids import OrgId

DRY = "?dryRun=true"


async def make(s: Service, **fields: Any) -> Any:
    reply = await s.call("POST", "/v3/webHooks", BASIC | fields)
    assert reply.status == 200, reply.body
    return reply.json["data"]


async def listed(s: Service) -> Any:
    return (await s.call("GET", "/v3/webHooks")).json["data"]


def without(data: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {field: value for field, value in data.items() if field not in fields}


def codes(reply: Reply) -> list[tuple[Any, str]]:
    return [(row["code"], row["field"]) for row in reply.json["errors"]]


async def test_a_create_is_answered_as_it_would_be_without_id_and_secret() -> None:
    async with service() as s:
        body = BASIC | {"maxAllowedConnections": 10.99, "webHookUrl": " https://a.example/x "}
        dry = await s.call("POST", f"/v3/webHooks{DRY}", body)
        assert dry.status == 200 and "etag" not in dry.headers
        told = dry.json["data"]
        assert (told["webHookId"], told["consumerGroupId"]) == ("", "")
        assert told["signingSecretHint"] is None and "signingSecret" not in told
        assert await listed(s) == []
        made = await make(s, **body)
        apart = ("webHookId", "consumerGroupId", "signingSecret", "signingSecretHint")
        assert without(told, *apart) == without(made, *apart)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_is_answered_as_it_would_be(method: str) -> None:
    async with service() as s:
        path = f"/v3/webHooks/{(await make(s))['webHookId']}"
        before = await listed(s)
        body = {"slaInSeconds": "60.5", "webHookHeaders": {"X-Shop": "7 "}, "active": False}
        dry = await s.call(method, path + DRY, body)
        assert dry.status == 200 and "etag" not in dry.headers
        assert await listed(s) == before
        assert dry.json["data"] == (await s.call(method, path, body)).json["data"]
        assert dry.json["data"]["version"] == 2 and await listed(s) != before


async def test_a_removal_is_answered_as_it_would_be() -> None:
    async with service() as s:
        path = f"/v3/webHooks/{(await make(s))['webHookId']}"
        before = await listed(s)
        dry = await s.call("DELETE", path + DRY)
        assert dry.json["data"]["standing"] == "deleted" and await listed(s) == before
        assert dry.json["data"] == (await s.call("DELETE", path)).json["data"]
        assert (await s.call("DELETE", path + DRY)).status == 400


async def test_every_refusal_and_warning_is_that_of_the_call_itself() -> None:
    async with service() as s:
        id = (await make(s))["webHookId"]
        wrong = {"eventNames": ["nope"], "webHookUrl": "ftp://x", "filter": {"path": 1}}
        before = await listed(s)
        for method, path, body, headers in (
            ("POST", "/v3/webHooks", BASIC, {}),
            ("POST", "/v3/webHooks", BASIC | {"name": "b"} | wrong, {}),
            ("POST", "/v3/webHooks", BASIC | {"name": "b"}, {"idempotency_key": "a b"}),
            ("PUT", f"/v3/webHooks/{id}", wrong, {}),
            ("PUT", f"/v3/webHooks/{id}", {}, {"if_match": '"7"'}),
            ("PATCH", f"/v3/webHooks/{id}", wrong, {}),
            ("PATCH", f"/v3/webHooks/{'0' * 24}", {}, {}),
            ("DELETE", f"/v3/webHooks/{id}", None, {"if_match": '"7"'}),
        ):
            dry = await s.call(method, path + DRY, body, **headers)
            real = await s.call(method, path, body, **headers)
            assert (dry.status, dry.json) == (real.status, real.json), (method, path)
            assert real.status >= 400, (method, path)
        dry = await s.call("PUT", f"/v3/webHooks/{id}{DRY}", {"colour": "red"})
        assert [row["code"] for row in dry.json["warnings"]] == ["unknown_field"]
        assert await listed(s) == before


async def test_all_faults_of_a_body_are_told_at_once() -> None:
    async with service() as s:
        wrong = {"eventNames": ["nope"], "webHookUrl": "ftp://x", "filter": {"path": 1}}
        reply = await s.call("POST", f"/v3/webHooks{DRY}", BASIC | wrong)
        assert reply.status == 400
        assert {field.partition(".")[0] for _, field in codes(reply)} == wrong.keys()


async def test_a_known_idempotency_key_is_answered_by_what_it_made_without_the_secret() -> None:
    async with service() as s:
        key = {"idempotency_key": "k"}
        dry = await s.call("POST", f"/v3/webHooks{DRY}", BASIC, **key)
        assert dry.json["data"]["webHookId"] == ""
        made = (await s.call("POST", "/v3/webHooks", BASIC, **key)).json["data"]
        dry = await s.call("POST", f"/v3/webHooks{DRY}", BASIC, **key)
        assert dry.json["data"] == without(made, "signingSecret")
        dry = await s.call("POST", f"/v3/webHooks{DRY}", BASIC | {"name": "b"}, **key)
        assert dry.status == 422


async def test_who_may_not_write_may_not_try_either() -> None:
    async with service() as s:
        await s.access.put("reader", "x", OrgId(1), platform=False, scopes="webhooks:read")
        auth = basic("reader", "x")
        assert (await s.call("POST", f"/v3/webHooks{DRY}", BASIC, auth=auth)).status == 403


@pytest.mark.parametrize("said", ["false", ""])
async def test_false_is_as_if_left_out(said: str) -> None:
    async with service() as s:
        await s.call("POST", f"/v3/webHooks?dryRun={said}", BASIC)
        assert len(await listed(s)) == 1


@pytest.mark.parametrize("said", ["yes", "1", "TRUE"])
async def test_another_word_is_refused_and_nothing_is_written(said: str) -> None:
    async with service() as s:
        reply = await s.call("POST", f"/v3/webHooks?dryRun={said}", BASIC)
        assert reply.status == 400 and codes(reply) == [("bad_parameter", "dryRun")]
        assert "dryRun must be true or false; got" in reply.json["errors"][0]["message"]
        assert await listed(s) == []

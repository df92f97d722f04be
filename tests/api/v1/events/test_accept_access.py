"""The accept path with real credentials, tokens, org settings and limits behind it."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.api.accept_client import EVENT, Answer, FakeIntake, Types, reader_of
from tests.api.accept_client import Service as AcceptService
from tests.api.control_client import Service, basic, service
from tidings.api.v1.events.accept import AcceptApp
from tidings.core.access.credential_rules import KINDS

pytestmark = pytest.mark.usefixtures("way")

WRITES = {"events": "write"}
BAD = b'{"eventName":"pointsIssued","eventId":"b-1","orgId":0,"createdAt":5,"data":{"bad":1}}'
UNKNOWN = b'{"eventName":"x.y","eventId":"u-1","orgId":0,"createdAt":5,"data":{}}'


class Path(AcceptService):
    """The accept path over the control service's own parts."""

    def __init__(self, s: Service) -> None:
        self.s = s
        self.intake = FakeIntake()
        self.app = AcceptApp(
            self.intake,
            reader_of(Types(), s.orgs.rules, lambda: "made-1"),
            s.access,
            clock_ms=s.clock.now_ms,
            new_request_id=lambda: "r" * 32,
            throttle=s.access_services.limits,
        )

    async def send(
        self, body: bytes = EVENT, auth: str | None = None, token: str | None = None, **more: str
    ) -> Answer:
        headers = [(name.replace("_", "-").encode(), text.encode()) for name, text in more.items()]
        if token is not None:
            headers.append((b"x-cap-api-oauth-token", token.encode()))
        authorization = None if auth is None else auth.encode()
        return await self.call(body, *headers, authorization=authorization)


@asynccontextmanager
async def path() -> AsyncIterator[tuple[Service, Path]]:
    async with service() as s:
        await s.add_org(7)
        yield s, Path(s)


async def make(s: Service, **body: Any) -> dict[str, Any]:
    reply = await s.call("POST", "/v1/orgs/7/credentials", {"scopes": WRITES} | body)
    assert reply.status == 201, reply.body
    made: dict[str, Any] = reply.json
    return made


async def settings(s: Service, **changes: Any) -> None:
    reply = await s.call("PATCH", "/v1/orgs/7", {"settings": changes})
    assert reply.status == 200, reply.body


async def test_every_way_of_signing_in_is_taken() -> None:
    assert set(KINDS) == {"key", "till", "oauth"}
    async with path() as (s, p):
        key = await make(s)
        till = await make(s, kind="till", code="acme.01")
        oauth = await make(s, kind="oauth")
        token, _ = s.access.token(oauth["id"], oauth["secret"])
        md5 = hashlib.md5(till["secret"].encode()).hexdigest()
        answers = [
            await p.send(auth=basic(key["id"], key["secret"])),
            await p.send(auth=basic("acme.01", md5)),
            await p.send(auth=f"Bearer {token}"),
            await p.send(token=token),
            await p.send(auth="Basic !", token=token),
        ]
        assert [answer.status for answer in answers] == [202] * 5
        assert {org for org, _ in p.intake.bodies} == {7}
        for answer in (
            await p.send(),
            await p.send(auth=basic(oauth["id"], oauth["secret"])),
            await p.send(token=token[:-1]),
            await p.send(auth=f"Bearer {token} x"),
        ):
            assert answer.error == (401, answer.body["error"]["code"])


async def test_the_token_header_must_stand_once() -> None:
    async with path() as (s, p):
        oauth = await make(s, kind="oauth")
        token = s.access.token(oauth["id"], oauth["secret"])[0].encode()
        twice = [(b"x-cap-api-oauth-token", token)] * 2
        assert (await p.call(EVENT, *twice, authorization=None)).error == (
            400,
            "header_repeated",
        )


async def test_an_end_holds_although_the_header_is_remembered() -> None:
    async with path() as (s, p):
        key = await make(s, expiresAt="2026-02-11T09:16:00Z")
        oauth = await make(s, kind="oauth")
        token, _ = s.access.token(oauth["id"], oauth["secret"])
        auth = basic(key["id"], key["secret"])
        assert (await p.send(auth=auth)).status == (await p.send(token=token)).status == 202
        s.clock.ms += 60_000
        assert (await p.send(auth=auth)).status == 401
        await s.call("DELETE", f"/v1/orgs/7/credentials/{oauth['id']}")
        assert (await p.send(token=token)).status == 401


async def test_a_scope_is_needed_and_it_is_events_write() -> None:
    async with path() as (s, p):
        everything = dict.fromkeys(("webhooks", "logs", "reference", "replay", "admin"), "write")
        made = await make(s, scopes=everything | {"events": "read"})
        answer = await p.send(auth=basic(made["id"], made["secret"]))
        assert answer.error == (403, "forbidden")


@pytest.mark.parametrize(
    ("changes", "statuses", "warned"),
    [
        ({}, (422, 422), False),
        ({"validation": "lenient"}, (202, 422), True),
        ({"validation": "off"}, (202, 422), False),
        ({"unknownTypes": "admitted"}, (422, 202), False),
        ({"validation": "off", "unknownTypes": "admitted"}, (202, 202), False),
        ({"validationByType": {"pointsIssued": "lenient"}}, (202, 422), True),
        ({"validation": "off", "validationByType": {"pointsIssued": "strict"}}, (422, 422), False),
        ({"validation": "lenient", "validationByType": {"other": "strict"}}, (202, 422), True),
    ],
)
async def test_an_orgs_settings_are_in_force_for_the_next_event(
    changes: dict[str, Any], statuses: tuple[int, int], warned: bool
) -> None:
    async with path() as (s, p):
        key = await make(s)
        auth = basic(key["id"], key["secret"])
        assert (await p.send(BAD, auth)).status == 422
        await settings(s, **changes)
        bad, unknown = await p.send(BAD, auth), await p.send(UNKNOWN, auth)
        assert (bad.status, unknown.status) == statuses
        assert ("warning" in bad.body["events"][0]) is warned
        for broken in (b'{"eventName":"","data":{}}', b'{"eventName":"x y z","data":{}}'):
            assert (await p.send(broken, auth)).status == 422, "the envelope is checked always"


async def test_one_orgs_settings_are_not_anothers() -> None:
    async with path() as (s, p):
        eight = await s.add_org(8)
        await settings(s, validation="off", unknownTypes="admitted")
        assert (await p.send(BAD, eight)).status == (await p.send(UNKNOWN, eight)).status == 422
        boss = basic("boss", "s3cret")
        assert (await p.send(BAD, boss, x_tidings_org="7")).status == 202
        assert (await p.send(BAD, boss, x_tidings_org="8")).status == 422


async def test_events_are_counted_and_what_is_too_much_waits() -> None:
    async with path() as (s, p):
        key = await make(s, limits={"eventsPerSecond": 10})
        auth = basic(key["id"], key["secret"])
        first = await p.send(auth=auth)
        assert first.status == 202
        assert first.headers[b"ratelimit-policy"] == b'"events";q=10;w=1'
        assert first.headers[b"ratelimit"] == b'"events";r=9;t=1'
        many = b"[" + b",".join([EVENT] * 30) + b"]"
        assert (await p.send(many, auth)).status == 202
        calls = p.intake.calls
        slow = await p.send(auth=auth)
        assert slow.error == (429, "too_many_events") and p.intake.calls == calls
        assert slow.headers[b"retry-after"] == b"3"
        assert slow.headers[b"ratelimit"].startswith(b'"events";r=0;')
        s.clock.ms += 2_300
        assert (await p.send(auth=auth)).status == 202


async def test_each_event_of_a_call_counts_once() -> None:
    async with path() as (s, p):
        key = await make(s, limits={"eventsPerSecond": 10})
        auth = basic(key["id"], key["secret"])
        five = b"[" + b",".join([EVENT] * 5) + b"]"
        assert (await p.send(five, auth)).status == 202
        assert (await p.send(auth=auth)).headers[b"ratelimit"].startswith(b'"events";r=4;')


async def test_naming_ones_own_org_lifts_no_limit() -> None:
    async with path() as (s, p):
        of_credential = await make(s, limits={"eventsPerSecond": 1})
        of_org = await make(s)
        for key in (of_credential, of_org):
            auth = basic(key["id"], key["secret"])
            statuses = [(await p.send(auth=auth, x_tidings_org="7")).status for _ in range(2)]
            assert statuses == [202, 429], key["limits"]
            await settings(s, limits={"eventsPerSecond": 1})


async def test_an_orgs_limit_is_over_all_its_credentials_and_holds_at_once() -> None:
    async with path() as (s, p):
        keys = [await make(s) for _ in range(2)]
        one, two = (basic(key["id"], key["secret"]) for key in keys)
        assert b"ratelimit" not in (await p.send(auth=one)).headers
        await settings(s, limits={"eventsPerSecond": 2})
        statuses = [(await p.send(auth=auth)).status for auth in (one, two, one, two)]
        assert statuses == [202, 202, 429, 429]
        told = (await p.send(auth=one)).headers
        assert told[b"ratelimit-policy"] == b'"org-events";q=2;w=1'
        boss = basic("boss", "s3cret")
        assert (await p.send(auth=boss, x_tidings_org="7")).status == 202
        await settings(s, limits={"eventsPerSecond": None})
        assert (await p.send(auth=one)).status == 202


async def test_calls_that_are_not_limited_carry_no_headers_and_cost_no_quota() -> None:
    async with path() as (s, p):
        key = await make(s, limits={"callsPerMinute": 1})
        auth = basic(key["id"], key["secret"])
        for _ in range(5):
            answer = await p.send(auth=auth)
            assert answer.status == 202 and b"ratelimit" not in answer.headers
        assert not s.access_services.limits._quotas

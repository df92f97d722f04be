"""Rate limits of the control API: who is counted, what answers say, and when it goes on."""

import pytest

from tests.api.control_client import Service, service
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.access.limits import KEPT_MAX, Quotas

PATH = "/v1/rejections"


async def limit(s: Service, org: int, **limits: float | None) -> None:
    reply = await s.call("PATCH", f"/v1/orgs/{org}/credentials/org{org}", {"limits": limits})
    assert reply.status == 200, reply.body


async def test_a_credential_has_a_thousand_calls_a_minute_and_the_platform_has_no_limit() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        reply = await s.call("GET", PATH, auth=auth)
        assert reply.headers["ratelimit-policy"] == '"calls";q=1000;w=60'
        assert reply.headers["ratelimit"] == '"calls";r=999;t=1'
        boss = await s.call("GET", PATH)
        assert boss.status == 200 and "ratelimit" not in boss.headers
        assert "ratelimit" not in (await s.call("GET", "/livez", auth=None)).headers


async def test_beyond_the_limit_is_429_until_the_time_that_was_told() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        await limit(s, 7, callsPerMinute=3)
        for left in (2, 1, 0):
            reply = await s.call("GET", PATH, auth=auth)
            assert reply.status == 200
            assert reply.headers["ratelimit"].startswith(f'"calls";r={left};')
        for path in (PATH, "/v3/webHooks"):
            reply = await s.call("GET", path, auth=auth)
            assert reply.status == 429
            assert reply.headers["retry-after"] == "20"
            assert reply.headers["ratelimit"] == '"calls";r=0;t=60'
            assert reply.headers["ratelimit-policy"] == '"calls";q=3;w=60'
            assert b"too_many_calls" in reply.body
        s.clock.ms += 19_000
        assert (await s.call("GET", PATH, auth=auth)).status == 429
        s.clock.ms += 1_000
        assert (await s.call("GET", PATH, auth=auth)).status == 200


async def test_each_credential_is_counted_by_itself_and_by_all_its_ways_of_calling() -> None:
    async with service() as s:
        seven, eight = await s.add_org(7), await s.add_org(8)
        await limit(s, 7, callsPerMinute=1)
        assert (await s.call("GET", PATH, auth=seven)).status == 200
        assert (await s.call("GET", PATH, auth=seven + " ")).status == 429
        assert (await s.call("GET", PATH, auth=eight)).status == 200


async def test_a_raised_limit_holds_at_once() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        await limit(s, 7, callsPerMinute=1)
        await s.call("GET", PATH, auth=auth)
        assert (await s.call("GET", PATH, auth=auth)).status == 429
        await limit(s, 7, callsPerMinute=5)
        assert (await s.call("GET", PATH, auth=auth)).status == 200


async def test_what_is_remembered_of_full_quotas_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert KEPT_MAX >= 10_000
    monkeypatch.setattr("tidings.engine.access.limits.KEPT_MAX", 10)
    async with service() as s:
        now = [0.0]
        limits = Quotas(s.orgs, lambda: now[0])
        for n in range(100):
            now[0] += 1.0
            allowance = limits.call(AuthenticatedCaller(OrgId(7), credential=f"c{n}"))
            assert allowance is not None and not allowance.wait_s
        assert len(limits._quotas) <= 11


async def test_a_call_that_one_limit_holds_back_is_not_counted_by_another() -> None:
    async with service() as s:
        reply = await s.call(
            "POST",
            "/v1/orgs",
            {"id": 7, "name": "x", "settings": {"limits": {"eventsPerSecond": 1}}},
        )
        assert reply.status == 201, reply.body
        now = [100.0]
        limits = Quotas(s.orgs, lambda: now[0])
        caller = AuthenticatedCaller(OrgId(7), credential="crm", events_per_s=3.0, limited=True)
        first = limits.events(caller)
        assert first is not None and not first.wait_s
        for _ in range(10):
            held = limits.events(caller)
            assert held is not None and held.wait_s == 1.0
            assert held.state.startswith('"events";r=2;')
        now[0] += 1.0
        after = limits.events(caller)
        assert after is not None and not after.wait_s

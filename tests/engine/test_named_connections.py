"""Checks of connections end, are few at a time, and say nothing of what a driver says."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.engine.audit.kept_log import UnkeptLog
from tidings.connections.port import ConnectionCheck, ConnectionType
from tidings.core.connections.connection import Connection, Connections
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.connections import UNDER_WAY_MAX, CheckedTooOften, NamedConnections

SECRET = "amqp://tidings:hush@broker.internal"


class Clock:
    def now_ms(self) -> int:
        return 1_000_000


def connections(check: ConnectionCheck, **options: Any) -> NamedConnections:
    kind = ConnectionType("kafka", "", (), check, check)
    declared = Connections([Connection("main", "kafka", {}, None)])
    return NamedConnections(declared, {"kafka": kind}, Clock(), UnkeptLog(), **options)


def caller(org: int) -> AuthenticatedCaller:
    return AuthenticatedCaller(OrgId(org))


async def test_a_check_that_does_not_end_is_ended_and_told() -> None:
    ended = asyncio.Event()

    async def for_ever(connection: Connection) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    named = connections(for_ever, deadline_s=0.05)
    result = await named.check(caller(7), "main")
    assert "must answer within 0 s; it does not" in result.trouble
    assert ended.is_set() and result.took_ms >= 40
    assert named.last(named.get(caller(7), "main")) is result


async def test_what_a_driver_says_where_it_fails_stands_in_the_log_alone() -> None:
    async def fails(connection: Connection) -> None:
        raise RuntimeError(SECRET)

    with capture_logs() as logs:
        result = await connections(fails).check(caller(7), "main")
    assert result.trouble == "Tidings failed at it; its log says why."
    assert [log["event"] for log in logs] == ["a check failed"] and SECRET in str(logs)


async def test_few_are_under_way_at_a_time_and_each_org_has_one_a_second() -> None:
    go = asyncio.Event()

    async def waits(connection: Connection) -> None:
        await go.wait()

    named = connections(waits)
    running = [
        asyncio.create_task(named.check(caller(org), "main")) for org in range(1, UNDER_WAY_MAX)
    ]
    await asyncio.sleep(0)
    with pytest.raises(CheckedTooOften):
        await named.check(caller(99), "main")
    go.set()
    assert [result.trouble for result in await asyncio.gather(*running)] == [""] * (
        UNDER_WAY_MAX - 1
    )
    with pytest.raises(CheckedTooOften) as soon:
        await named.check(caller(1), "main")
    assert soon.value.wait_s == 1.0
    assert (await named.check(caller(99), "main")).trouble == ""

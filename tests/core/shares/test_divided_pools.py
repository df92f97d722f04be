"""Pools that all orgs share: an org whose holders hang leaves a place to every other one."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from tests.api.control_client import BASIC, Clock, event, service
from tests.api.v1.replay_calls import ORG, OTHER, until
from tests.destinations.email.emails import email, mailing
from tests.destinations.email.mail_server import mail_server
from tests.destinations.sql.bench import columns, sql_hook
from tests.destinations.sql.crm import STATE, STATE_DDL, Crm, message
from tests.engine.reference_parts import FakeOrigin, ok
from tests.loops.own_time import own_time
from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict, Ending
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import NotYet
from tidings.core.ids import OrgId
from tidings.core.webhooks.targets.sql_table import SqlTable
from tidings.engine.shaping.platform import CONNECTIONS_MAX, Platform, PlatformOptions
from tidings.store import port

GREEDY, QUIET = OrgId(1), OrgId(2)
MOST = 4
_SLEEPS = """
CREATE FUNCTION sleeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.tier = 'slow' THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$;
CREATE TRIGGER sleeps BEFORE INSERT ON state FOR EACH ROW EXECUTE FUNCTION sleeps();
"""
Send = Callable[[OrgId, bool], Awaitable[AttemptResult | NotYet | None]]


async def found_room(send: Send, *, hanging: int, held: Callable[[], int], most: int) -> float:
    """How long the quiet org's message takes, in seconds, while the greedy one has all that it can
    get: both are known, and everything of the greedy one hangs. `held`: how many of it do, `most`
    at last."""
    for org in (GREEDY, QUIET):
        result = await send(org, False)
        assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED, (
            result
        )
    hung = [asyncio.ensure_future(send(GREEDY, True)) for _ in range(hanging)]
    try:
        while held() < most:
            await asyncio.sleep(0.01)
        took_s = 0.0
        for _ in range(5):
            began_s = monotonic()
            result = await send(QUIET, False)
            assert (
                isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
            ), result
            took_s = max(took_s, monotonic() - began_s)
        assert not any(task.done() for task in hung) and held() == most
    finally:
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
    return took_s


async def test_rows_of_an_org_that_hang_leave_a_line_to_every_other_org() -> None:
    crm = Crm(STATE_DDL, _SLEEPS, tables={"state": STATE}, connections_max=MOST)
    picks = columns(customer="customer", tier="tier", at="at")
    channels = {
        (org, number): crm.driver.open(
            sql_hook(SqlTable("state", picks), org=org, number=number), crm.connection
        )
        for org in (GREEDY, QUIET)
        for number in (1, 2, 3)
    }
    sent = 0

    async def send(org: OrgId, hangs: bool) -> AttemptResult | NotYet | None:
        nonlocal sent
        sent += 1
        body = b'{"customer": %d, "tier": "%s", "at": 1}' % (sent, b"slow" if hangs else b"quick")
        return await channels[org, sent % 3 + 1].send(message(f"m{sent}", body, deadline_s=20.0))

    def asleep() -> int:
        return len(crm.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))

    assert await found_room(send, hanging=12, held=asleep, most=MOST // 2) < 5
    for channel in channels.values():
        await channel.close()


async def test_emails_of_an_org_that_hang_leave_a_conversation_to_every_other_org() -> None:
    async with mail_server() as server:
        destination = server.destination(connections=MOST)
        channels = {
            (org, number): destination.open(mailing(org=org, number=number))
            for org in (GREEDY, QUIET)
            for number in (1, 2, 3)
        }
        sent, held, hang = 0, 0, False
        never = asyncio.Event()

        async def stays() -> None:
            nonlocal held
            if hang:
                held += 1
                await never.wait()

        server.stays = stays

        async def send(org: OrgId, hangs: bool) -> AttemptResult | NotYet | None:
            nonlocal sent, hang
            sent += 1
            hang = hangs
            return await channels[org, sent % 3 + 1].send(email(deadline_s=20.0))

        assert await found_room(send, hanging=12, held=lambda: held, most=MOST // 2) < 5
        never.set()
        for channel in channels.values():
            await channel.close()


async def test_questions_to_the_platform_that_hang_leave_a_line_to_every_other_org() -> None:
    hanging: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    class Origin(FakeOrigin):
        async def get(self, path: str, headers: Any, deadline_s: float) -> Ending:
            return await (hanging if path.startswith("/1/hangs") else super().get(path, [], 0.0))

    platform = Platform(
        Origin(ok(mobile="1")),
        PlatformOptions(paths={"customers": "/{orgId}/{id}"}, timeout_s=20.0),
        Clock(),
    )
    await platform.ask("customers", GREEDY, "a", 0)
    await platform.ask("customers", QUIET, "a", 0)
    hung = [
        asyncio.ensure_future(platform.ask("customers", GREEDY, f"hangs{number}", 0))
        for number in range(3 * CONNECTIONS_MAX)
    ]
    await asyncio.sleep(0.05)
    with own_time() as took_s:
        for number in range(50):
            assert await platform.ask("customers", QUIET, f"c{number}", 0) is not None
    assert took_s() < 2
    await platform.close()
    await asyncio.gather(*hung, return_exceptions=True)


async def test_replays_of_an_org_that_are_slow_to_be_written_leave_a_slot_to_every_other_org() -> (
    None
):
    async with service() as made:
        replays: Any = made.replays
        write, plan = replays._commits.slice, replays._planner.plan
        hanging, never = list[OrgId](), asyncio.Event()
        org_of: dict[Any, OrgId] = {}

        def noted(job: port.ReplayJob, *more: Any) -> Any:
            planned = plan(job, *more)
            org_of[planned] = job.org
            return planned

        async def slow(planned: Any, org: OrgId) -> Any:
            if org_of[planned] == OTHER:
                hanging.append(OTHER)
                await never.wait()
            return await write(planned, org)

        replays._planner.plan, replays._commits.slice = noted, slow
        made.lanes.room = 5

        async def begin(org: OrgId, prefix: str) -> tuple[str, str]:
            auth = await made.add_org(org) if prefix in "ab" else auths[org]
            shown = (await made.call("POST", "/v3/webHooks", BASIC | {"name": prefix}, auth)).json
            id = shown["data"]["webHookId"]
            number = made.webhooks.get(org, id).webhook.number
            batch = [event("pointsIssued", prefix, [port.NewDelivery(number, 1)], org)]
            receipt = await made.store.commit(port.Batch(made.registry.version, batch))
            failed = port.Settlement(receipt.firsts[0], number, None, State.FAILED, 1, 1, 0, 5, 500)
            await made.store.commit(port.Batch(0, settled=[failed]))
            wanted = {"webHookId": id, "ratePerSecond": 5000}
            told = await made.call("POST", "/v1/replays", wanted, auth)
            assert told.status == 201, told
            return auth, told.json["id"]

        auths: dict[OrgId, str] = {}
        auths[ORG], first = await begin(ORG, "a")
        while (await until(made, auths[ORG], first, "running", "counting"))["made"] < 1:
            await asyncio.sleep(0.01)
        auths[OTHER], _ = await begin(OTHER, "b")
        await begin(OTHER, "c")
        await begin(OTHER, "d")
        while not hanging:
            await asyncio.sleep(0.01)
        _, last = await begin(ORG, "e")
        async with asyncio.timeout(60):
            while (await until(made, auths[ORG], last, "running", "counting"))["made"] < 1:
                await asyncio.sleep(0.01)
        assert len(hanging) == 1
        never.set()

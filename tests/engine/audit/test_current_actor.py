"""Who acts: whoever has asked, for what is done on its behalf; the service for what goes on behind
the call."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.api.control_client import service
from tests.engine.audit.kept_log import entries_of
from tidings.core.audit.actor import SERVICE, Actor, face_of
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.core.running.service_part import ServicePart
from tidings.core.sources.source import Source
from tidings.core.sources.verification import StaticHeader
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.audit.current_actor import acting_as, by_service, current_actor
from tidings.engine.changes import Changes
from tidings.engine.heartbeats import Heart, Heartbeats
from tidings.engine.running.supervisor import Supervisor
from tidings.engine.sources.declared import DeclaredSource, declare
from tidings.engine.webhooks.retirement import Retirement

ASHA = Actor("person", "usr_1", "asha@acme.example", "console", "192.0.2.7")
PART = ServicePart("replays", "a replay makes no progress")
ORG = OrgId(2001)


async def test_a_part_that_somebody_has_begun_is_by_the_service_also_when_it_is_begun_anew() -> (
    None
):
    found: list[Actor] = []
    ended = asyncio.Event()

    async def job(heart: Heart) -> None:
        found.append(current_actor())
        ended.set()

    supervisor = Supervisor(Heartbeats())
    with acting_as(ASHA):
        task = supervisor.start(PART, job, again=False)
        await ended.wait()
        assert current_actor() == ASHA, "and who has begun it is still there"
    assert found == [SERVICE]
    await task.stop()


async def test_what_is_left_of_a_webhook_is_ended_by_the_service() -> None:
    found: list[Actor] = []

    class Store:
        async def retire(self, *_: Any) -> int:
            found.append(current_actor())
            return 0

    class Gone:
        number, status = 1, WebhookStatus.DELETED

    store: Any = Store()
    gone: Any = Gone()
    retirement = Retirement(store, lambda number: gone, lambda webhook, parked: None)
    with acting_as(ASHA):
        retirement.go_on(gone)
        await retirement.done()
    assert found == [SERVICE]


async def test_a_change_is_by_whoever_has_asked_for_it_also_when_it_has_gone() -> None:
    found: list[Actor] = []
    begun, go_on = asyncio.Event(), asyncio.Event()
    store: Any = None

    async def change() -> None:
        begun.set()
        await go_on.wait()
        found.append(current_actor())

    async def asked() -> None:
        with acting_as(ASHA):
            await changes.run(change)

    changes = Changes(store, Registry())
    caller = asyncio.create_task(asked())
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await changes.run(change)
    assert found == [ASHA, SERVICE]


async def test_the_service_acts_for_one_piece_of_work_alone() -> None:
    async def asked() -> Actor:
        return current_actor()

    with acting_as(ASHA):
        assert await asyncio.create_task(by_service(asked())) == SERVICE
        assert current_actor() == ASHA


@pytest.mark.parametrize(
    ("agent", "face"),
    [
        ("tidings-cli/0.1.0", "cli"),
        ("tidings-cli", "cli"),
        ("Tidings/1", "api"),
        ("x tidings-cli/1", "api"),
        ("", "api"),
    ],
)
def test_the_command_line_is_known_by_what_it_calls_itself(agent: str, face: str) -> None:
    assert face_of(agent) == face


async def test_an_idle_inbox_is_dropped_by_the_service() -> None:
    async with service() as s:
        await s.add_org(2001)
        await s.inboxes.create(ORG, {"name": "A till"})
        s.clock.ms += 31 * 86_400_000
        ended = asyncio.Event()

        async def job(heart: Heart) -> None:
            await s.inboxes.drop_idle()
            ended.set()

        with acting_as(ASHA):
            task = s.parts.base.supervisor.start(PART, job, again=False)
            await ended.wait()
        await task.stop()
        [dropped] = [
            record for record in entries_of(s.store, 2001) if record.action == "inbox.deleted"
        ]
        assert (dropped.actor_kind, dropped.actor) == ("service", "tidings")


async def test_a_source_is_changed_by_the_file_that_declares_it() -> None:
    async with service() as s:
        await s.add_org(2001)
        sources = s.parts.sources.sources
        secret = "a value that is long"
        source = Source("shop", verification=StaticHeader("X-Key", secret))
        await declare(sources, [DeclaredSource(ORG, source, "sources.toml")])
        renewed = msgspec.structs.replace(
            source, verification=StaticHeader("X-Key", "another value that is long")
        )
        await declare(sources, [DeclaredSource(ORG, renewed, "sources.toml")])
        await declare(sources, [DeclaredSource(ORG, renewed, "sources.toml")])
        await declare(sources, [])
        made, changed, let_go = [
            record for record in entries_of(s.store, 2001) if record.object_kind == "source"
        ]
        for record in (made, changed, let_go):
            assert (record.actor_kind, record.actor, record.face) == (
                "file",
                "sources.toml",
                "file",
            )
            assert record.object == sources.of(ORG)[0].id
            kept = (record.before or b"") + (record.after or b"")
            assert b"long" not in kept, "not even the end of a secret"
        assert msgspec.json.decode(changed.after or b"")["verification"]["changed"] is True
        gone = msgspec.json.decode(let_go.after or b"")
        assert gone == {"paused": True, "declaredIn": None}

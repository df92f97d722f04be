"""Looks at payloads are written behind the pages; what the store does not take waits, bounded."""

import pytest

from tests.api.control_client import Service, service
from tests.engine.audit.kept_log import entries_of
from tidings.core.audit.actor import Actor
from tidings.core.audit.entries import AuditEntry
from tidings.core.ids import OrgId
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.audit.views import WAITING_MAX, ViewLog
from tidings.store import port

ORG = OrgId(7)
ASHA = Actor("person", "usr_1", "asha@acme.example", "console", "192.0.2.7")


def looks(s: Service, org: int = ORG) -> list[AuditEntry]:
    return [look for look in entries_of(s.store, org) if look.action == "payload.viewed"]


def view(s: Service, views: ViewLog, *objects: str, org: OrgId = ORG, by: Actor = ASHA) -> None:
    with acting_as(by):
        for name in objects:
            views.view(org, "event", name)


async def test_a_look_is_one_entry_of_its_minute() -> None:
    async with service() as s:
        views = s.parts.running.views
        view(s, views, "e1", "e1", "e2")
        assert looks(s) == [], "nobody waits for the store"
        await views.write()
        view(s, views, "e1")
        await views.write()
        first, second = looks(s)
        assert (first.object_kind, first.object, second.object) == ("event", "e1", "e2")
        assert (first.actor_kind, first.actor, first.face) == ("person", "usr_1", "console")
        assert first.address == "192.0.2.7" and first.before is None
        s.clock.ms += 60_000
        view(s, views, "e1")
        await views.write()
        assert [look.object for look in looks(s)] == ["e1", "e2", "e1"]


async def test_a_program_has_no_face() -> None:
    async with service() as s:
        views = s.parts.running.views
        view(s, views, "e1", by=Actor("credential", "tdk_1", face="api"))
        view(s, views, "e2", by=Actor("credential", "tdk_1", face="console"))
        await views.write()
        assert [look.object for look in looks(s)] == ["e2"]


async def test_what_the_store_does_not_take_waits_and_what_finds_no_room_is_counted() -> None:
    async with service() as s:
        views = s.parts.running.views
        s.store.down = True
        view(s, views, *(f"e{number}" for number in range(WAITING_MAX)))
        with pytest.raises(port.StoreDown):
            await views.write()
        assert views.unwritten == 0
        view(s, views, "of another org", org=OrgId(8))
        view(s, views, "one more")
        assert views.unwritten == 2, "of the org with most"
        s.store.down = False
        await views.write()
        assert len(looks(s)) == WAITING_MAX - 1 and len(looks(s, 8)) == 1
        collected = s.services.web.metrics.get_sample_value("tidings_audit_views_unwritten_total")
        assert collected == 2

"""`/v1/orgs`: made, seen, changed; no rings; and what an org may not do to itself."""

import asyncio
from typing import Any

import pytest

from tests.api.control_client import BASIC, Service, service
from tests.store.in_process import MemoryStore
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.core.ids import OrgId
from tidings.core.orgs.org_settings import settings_of
from tidings.store import port


async def org(s: Service, number: int, **body: Any) -> dict[str, Any]:
    made = await s.call("POST", "/v1/orgs", {"id": number, "name": f"Org {number}"} | body)
    assert made.status == 201, made.body
    found: dict[str, Any] = made.json
    return found


async def patched(s: Service, number: int, body: Any, auth: str = "") -> tuple[int, Any]:
    reply = await s.call("PATCH", f"/v1/orgs/{number}", body, auth)
    return reply.status, reply.json


async def test_an_org_is_made_with_everything_and_is_seen_alone() -> None:
    async with service() as s:
        made = await org(
            s,
            50,
            parent=1,
            timeZone="Asia/Kolkata",
            settings={"validation": "lenient", "retention": {"payloadDays": 9}},
        )
        assert made == {
            "id": 50,
            "name": "Org 50",
            "parent": 1,
            "timeZone": "Asia/Kolkata",
            "settings": {
                "validation": "lenient",
                "validationByType": {},
                "unknownTypes": "refused",
                "retention": {"payloadDays": 9, "responseDays": 7, "metadataDays": 90},
                "limits": {"eventsPerSecond": None},
                "notify": [],
            },
            "notified": [],
            "createdAt": "2026-02-11T09:15:00.000Z",
        }
        seen = await s.call("GET", "/v1/orgs/50")
        assert seen.status == 200 and seen.json == made


async def test_a_change_keeps_what_it_does_not_name_and_outlives_a_restart() -> None:
    async with service() as s:
        await org(s, 50, parent=1, timeZone="Europe/Berlin")
        status, changed = await patched(
            s, 50, {"name": "Acme", "settings": {"unknownTypes": "admitted"}}
        )
        assert status == 200 and changed["name"] == "Acme"
        assert (changed["parent"], changed["timeZone"]) == (1, "Europe/Berlin")
        again = Service(s.store, s.clock)
        await again.start()
        assert (await again.call("GET", "/v1/orgs/50")).json == changed
        rules = again.orgs.rules(OrgId(50))
        assert rules is not None and rules.unknown == "admitted"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": None}, "name"),
        ({"id": 51}, "id"),
        ({"parent": 50}, "parent"),
        ({"parent": 99}, "parent"),
        ({"parent": "1"}, "parent"),
        ({"parent": True}, "parent"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"timeZone": "../../etc/passwd"}, "timeZone"),
        ({"timeZone": "localtime"}, "timeZone"),
        ({"timeZone": 5}, "timeZone"),
        ({"settings": {"retention": {"payloadDays": 1}}}, "settings.retention.payloadDays"),
        ({"zone": "UTC"}, "zone"),
    ],
)
async def test_a_change_that_does_not_fit_changes_nothing(body: dict[str, Any], field: str) -> None:
    async with service() as s:
        made = await org(s, 50)
        status, told = await patched(s, 50, {"name": "New"} | body)
        assert (status, told["error"]["path"]) == (400, field)
        assert (await s.call("GET", "/v1/orgs/50")).json == made


async def test_no_org_comes_below_itself() -> None:
    async with service() as s:
        for number, parent in ((10, None), (11, 10), (12, 11)):
            await org(s, number, parent=parent)
        version = s.registry.version
        for parent in (10, 11, 12):
            status, told = await patched(s, 10, {"parent": parent})
            assert (status, told["error"]["code"]) == (400, "parent_ring")
        assert s.registry.version == version
        assert (await patched(s, 12, {"parent": None}))[0] == 200
        assert (await patched(s, 10, {"parent": 12}))[0] == 200
        status, told = await patched(s, 12, {"parent": 11})
        assert (status, told["error"]["code"]) == (400, "parent_ring")
        assert s.registry.version == version + 2


async def test_orgs_stand_at_most_so_many_levels_above_each_other() -> None:
    async with service() as s:
        parent = None
        for number in range(100, 116):
            await org(s, number, parent=parent)
            parent = number
        too_deep = await s.call("POST", "/v1/orgs", {"name": "x", "parent": parent})
        assert (too_deep.status, too_deep.json["error"]["code"]) == (400, "too_deep")


async def test_two_changes_at_once_make_no_ring() -> None:
    async with service() as s:
        await org(s, 10)
        await org(s, 11)
        told = await asyncio.gather(patched(s, 10, {"parent": 11}), patched(s, 11, {"parent": 10}))
        assert sorted(status for status, _ in told) == [200, 400]


async def test_a_change_of_the_parent_is_in_force_for_the_next_match() -> None:
    async with service() as s:
        for number in (10, 11, 12):
            await org(s, number, parent=10 if number == 12 else None)
        body = BASIC | {"listenToChildEvents": True}
        parents, _, _ = await s.webhooks.create(OrgId(10), dict(body), "boss")
        siblings, _, _ = await s.webhooks.create(OrgId(12), dict(body), "boss")

        def told(number: int) -> set[int]:
            return {hook.number for hook in s.registry.match(OrgId(number), "pointsIssued")}

        parent, sibling = parents.webhook.number, siblings.webhook.number
        assert told(11) == set() and told(12) == {parent, sibling}
        before = s.registry.version
        await patched(s, 11, {"parent": 10})
        assert told(11) == {parent} and s.registry.version == before + 1
        stale = port.Batch(before, [])
        assert not (await s.store.commit(stale)).moved  # nothing in it was matched
        await patched(s, 11, {"parent": None})
        assert told(11) == set()


async def test_an_org_changes_itself_but_not_what_is_the_operators() -> None:
    async with service() as s:
        auth = await s.add_org(50)
        await org(s, 51)
        status, changed = await patched(
            s, 50, {"timeZone": "UTC", "settings": {"validation": "off"}}, auth
        )
        assert (status, changed["settings"]["validation"]) == (200, "off")
        for body, field in (
            ({"parent": 51}, "parent"),
            ({"parent": None}, "parent"),
            ({"settings": {"retention": {"payloadDays": 3000}}}, "settings.retention"),
            ({"settings": {"limits": {"eventsPerSecond": None}}}, "settings.limits"),
        ):
            status, told = await patched(s, 50, {"name": "New"} | body, auth)
            assert (status, told["error"]["code"]) == (403, "operators_only")
            assert told["error"]["path"] == field
        for settings in ("x", 7, True, ["limits"]):
            status, told = await patched(s, 50, {"settings": settings}, auth)
            assert (status, told["error"]["path"]) == (400, "settings")
        assert (await s.call("GET", "/v1/orgs/50", auth=auth)).json == changed


async def test_another_org_answers_like_one_that_is_not_there() -> None:
    async with service() as s:
        auth = await s.add_org(50)
        await org(s, 51)
        for method, body in (("GET", None), ("PATCH", {"name": "Mine"})):
            theirs = await s.call(method, "/v1/orgs/51", body, auth)
            nobodys = await s.call(method, "/v1/orgs/99", body, auth)
            assert theirs.status == nobodys.status == 404
            assert theirs.body == nobodys.body.replace(b"99", b"51")
        assert (await s.call("GET", "/v1/orgs/51")).json["name"] == "Org 51"
        for odd in ("0", "x", "-51", "51.0", "٥١", "9" * 30):
            assert (await s.call("GET", f"/v1/orgs/{odd}")).status in (404,)


async def test_a_change_of_an_org_whose_family_is_moving_is_refused_for_a_moment() -> None:
    async with service() as s:
        await org(s, 10)
        made = await org(s, 50)
        step = port.FamilyStep(FamilyId(50), FamilyMove.BEGIN, 2, other=CellId(2))
        await s.store.move_family(step)
        for number, body in ((50, {"name": "New"}), (50, {"parent": 10}), (10, {"parent": 50})):
            answer = await s.call("PATCH", f"/v1/orgs/{number}", body)
            assert (answer.status, answer.json["error"]["code"]) == (503, "family_away")
            assert answer.headers["retry-after"] == "1"
            assert "is moving to another one" in answer.json["error"]["message"]
        assert (await s.call("GET", "/v1/orgs/50")).json == made
        assert (await patched(s, 10, {"name": "Other"}))[0] == 200


async def test_a_store_that_refuses_leaves_the_org_as_it_was() -> None:
    async with service() as s:
        await org(s, 10)
        made = await org(s, 50)
        s.store.down = True
        status, told = await patched(s, 50, {"name": "New", "parent": 10})
        assert (status, told["error"]["code"]) == (503, "store_down")
        s.store.down = False
        assert (await s.call("GET", "/v1/orgs/50")).json == made
        assert not s.registry.below(OrgId(10))


async def test_stored_settings_are_small_and_readable() -> None:
    async with service() as s:
        await org(s, 50, settings={"validation": "off"})
        assert isinstance(s.store, MemoryStore)
        stored: dict[int, bytes] = {org.id: org.settings for org in (await s.store.load()).orgs}
        assert stored[50] == b'{"validation":"off"}'
        assert settings_of(stored[50]).validation == "off"


LAST = (1 << 53) - 1


@pytest.mark.parametrize("given", [[LAST], [LAST - 1], [LAST, 2, 4], [LAST, LAST - 1, 3]])
async def test_a_huge_id_does_not_end_the_making_of_orgs(given: list[int]) -> None:
    async with service() as s:
        there = {found["id"] for found in (await s.call("GET", "/v1/orgs")).json["orgs"]}
        for number in given:
            await org(s, number)
        there.update(given)
        for _ in range(5):
            made = await s.call("POST", "/v1/orgs", {"name": "Next"})
            assert made.status == 201, made.body
            assert made.json["id"] not in there and 1 <= made.json["id"] <= LAST
            there.add(made.json["id"])
        again = Service(s.store, s.clock)
        await again.start()
        assert (await again.call("POST", "/v1/orgs", {"name": "Later"})).status == 201


@pytest.mark.parametrize("wanted", [LAST + 1, 1 << 63, 10**40, 1e300, 0, -1, 1.5, "7", True])
async def test_an_id_out_of_bounds_is_refused(wanted: object) -> None:
    async with service() as s:
        refused = await s.call("POST", "/v1/orgs", {"id": wanted, "name": "No"})
        assert refused.status == 400 and "bad_org_id" in refused.body.decode()
        assert (await s.call("POST", "/v1/orgs", {"name": "Yes"})).status == 201


async def test_the_next_id_is_the_one_after_the_highest() -> None:
    async with service() as s:
        await org(s, 2001)
        assert (await s.call("POST", "/v1/orgs", {"name": "Next"})).json["id"] == 2002

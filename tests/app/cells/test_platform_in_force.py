"""What is over all cells: in force in each when it is answered, or those named where it is not."""

from typing import Any

import msgspec
import pytest

from tests.api.control_client import basic
from tests.app.cells.several_cells import NOBODY, ONE, THREE, TWO, FixedMap, Member, several_cells
from tidings.core.ids import OrgId
from tidings.engine.delivery.stops import EVERYTHING, HOLD
from tidings.store.port.cell_map import MapRefused, PlatformKind, PlatformRow

ORG = OrgId(77)
SHORT_S = 0.01  # nobody who is gone is waited for


def stopped(*members: Member) -> list[bool]:
    return [member.service.stops.is_stopped(ORG) for member in members]


async def test_a_stop_is_in_force_in_all_cells_when_it_is_answered() -> None:
    async with several_cells((ONE, TWO, THREE)) as members:
        _, two, _ = members
        assert (await two.call("POST", "/v1/stop")).json["stopped"]
        assert stopped(*members) == [True] * 3
        for member in members:
            assert (await member.call("GET", "/v1/stop")).json["by"] == "boss"
            assert [stop.org for stop in await member.service.store.stops()] == [EVERYTHING]
        assert not (await members[2].call("POST", "/v1/start")).json["stopped"]
        assert stopped(*members) == [False] * 3
        assert not await two.service.store.stops()


async def test_a_cell_that_has_not_confirmed_is_named_and_the_others_are_stopped() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO, THREE), fixed, confirm_s=SHORT_S) as members:
        one, two, three = members
        address = fixed.owners[THREE].address
        fixed.own(THREE, NOBODY, epoch=2)
        for member in members:
            await member.installation.reader.look()
        answer = await one.call("POST", "/v1/stop")
        assert answer.status == 503 and answer.headers["retry-after"]
        assert answer.json["error"]["code"] == "not_confirmed"
        assert "cell 3" in answer.json["error"]["message"]
        assert stopped(one, two, three) == [True, True, False]
        fixed.own(THREE, address, epoch=3)
        assert (await one.call("POST", "/v1/stop")).status == 200
        assert stopped(three) == [True]


async def test_a_cell_that_was_let_go_is_not_waited_for_and_reads_it_at_its_start() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed, confirm_s=SHORT_S) as (one, two):
        fixed.own(TWO, "", epoch=2)
        await one.installation.reader.look()
        assert (await one.call("POST", "/v1/stop")).status == 200
        assert stopped(two) == [False]
        await two.in_force.begin()
        assert stopped(two) == [True]


async def test_what_was_stopped_while_there_was_one_cell_is_stopped_in_those_that_are_added() -> (
    None
):
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        await one.service.stops.stop_here(EVERYTHING, "boss")
        await one.in_force.begin()
        await two.installation.reader.look()
        await two.in_force.begin()
        assert stopped(one, two) == [True, True]
        assert (await two.call("POST", "/v1/start")).status == 200
        await one.in_force.begin()
        assert stopped(one, two) == [False, False]


async def test_a_start_without_the_map_sends_nothing_until_it_was_read() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (_, two):
        async with several_cells((THREE,), fixed) as (three,):
            fixed.is_away = True
            three.installation.reader.view.place = type(fixed.place)()
            await three.in_force.begin()
            assert stopped(three) == [True]
            assert any("map" in notice for notice in three.service.stops.notices())
            fixed.is_away = False
            await three.in_force.begin()
            assert stopped(three, two) == [False, False]


async def test_while_the_map_is_away_a_stop_goes_by_the_doors_and_into_the_map_later() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        fixed.is_away = True
        assert (await one.call("POST", "/v1/stop")).status == 200
        assert stopped(one, two) == [True, True]
        fixed.is_away = False
        await two.in_force.begin()  # the one that was asked may be gone by now
        assert fixed.rows[PlatformKind.STOP, "all"].revision == 1
        assert (await two.call("POST", "/v1/start")).status == 200
        assert stopped(one, two) == [False, False]


async def test_a_hold_of_a_start_outlives_what_was_started_before_it() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        await one.call("POST", "/v1/stop")
        await one.call("POST", "/v1/start")
        two.service.clock.ms += 1000
        await two.service.stops.stop_here(EVERYTHING, HOLD)
        two.in_force._known.clear()
        await two.in_force.begin()
        assert stopped(one, two) == [False, True]
        two.service.clock.ms += 1000
        one.service.clock.ms += 3000
        assert (await one.call("POST", "/v1/start")).status == 200
        assert stopped(two) == [False]


async def test_a_stop_stands_in_the_chain_of_the_platform_of_each_cell() -> None:
    async with several_cells() as (one, two):
        await two.call("POST", "/v1/stop")
        for member in (one, two):
            shown = (await member.call("GET", "/v1/audit?chain=platform")).json["entries"]
            stops = [row for row in shown if row["action"] == "sending.stopped"]
            assert [stop["actor"]["id"] for stop in stops] == ["boss"]


async def make_root(member: Member) -> str:
    await member.service.access.put("root", "s3cret", OrgId(1), platform=True, scopes="*")
    return basic("root", "s3cret")


async def known(member: Member, auth: str) -> int:
    status: int = (await member.call("GET", "/v1/stop", auth=auth)).status
    return status


async def test_credentials_of_the_platform_are_known_in_all_cells_and_revoked_in_all() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        root = await make_root(one)
        await two.installation.reader.look()
        await two.in_force.begin()
        assert [await known(member, root) for member in (one, two)] == [200, 200]
        path = "/v1/orgs/1/credentials/root"
        rotated = (await one.call("POST", f"{path}/rotate", {"overlapInHours": 0})).json
        fresh = basic("root", rotated["secret"])
        assert [await known(member, root) for member in (one, two)] == [401, 401]
        assert [await known(member, fresh) for member in (one, two)] == [200, 200]
        assert (await one.call("DELETE", path)).status == 200
        assert [await known(member, fresh) for member in (one, two)] == [401, 401]
        await two.service.changes.run(no_change(two))  # what is read again takes nothing back
        assert await known(two, fresh) == 401


def no_change(member: Member) -> Any:
    async def change() -> None:
        member.service.access.load(await member.service.store.load())

    return change


async def test_a_revocation_names_the_cell_where_it_may_not_be_in_force() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed, confirm_s=SHORT_S) as (one, two):
        root = await make_root(one)
        await two.in_force.begin()
        address = fixed.owners[TWO].address
        fixed.own(TWO, NOBODY, epoch=2)
        await one.installation.reader.look()
        for _ in range(2):  # who asks again hears the same
            answer = await one.call("DELETE", "/v1/orgs/1/credentials/root")
            assert answer.status == 503 and "cell 2" in answer.json["error"]["message"]
        assert await known(one, root) == 401
        fixed.own(TWO, address, epoch=3)
        assert (await one.call("DELETE", "/v1/orgs/1/credentials/root")).status == 200
        assert await known(two, root) == 401


async def test_what_was_revoked_in_the_map_is_revoked_where_it_is_kept() -> None:
    """The process ended between the map and its store."""
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, _):
        root = await make_root(one)
        row = fixed.rows[PlatformKind.CREDENTIAL, "root"]
        kept = one.service.access.credential("root")
        assert kept is not None
        content = msgspec.json.encode(msgspec.structs.replace(kept, revoked_ms=5))
        await fixed.put_platform([PlatformRow(row.kind, row.name, row.revision + 1, content)])
        await one.in_force.begin()
        assert await known(one, root) == 401
        stored = (await one.service.store.load()).credentials
        assert [found.revoked_ms for found in stored if found.id == "root"] == [5]


async def test_a_row_that_cannot_be_read_is_not_confirmed() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed, confirm_s=SHORT_S) as (one, two):
        await fixed.put_platform([PlatformRow(PlatformKind.STOP, "all", 9, b"nonsense")])
        await two.installation.reader.look()
        with pytest.raises(MapRefused):
            await two.in_force.follow()
        assert (await one.call("POST", "/v1/stop")).status == 200  # it takes the place of that
        assert stopped(one, two) == [True, True]

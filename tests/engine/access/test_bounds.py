"""Bounds of what is looked at before it is known who calls, and of what is kept of callers."""

import pytest

from tests.engine.access.house import House, Kept, basic
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.engine.access.keys import PRESENTED_MAX
from tidings.engine.access.limits import Quotas
from tidings.errors import Forbidden


async def platform(house: House) -> AuthenticatedCaller:
    await house.access.put("platform", "secret", OrgId(1), platform=True, scopes="*")
    return house.access.caller(basic("platform", "secret"), "events:write")


async def test_the_platform_acts_for_the_org_with_the_greatest_id() -> None:
    house = House(Kept())
    caller = await platform(house)
    await house.orgs.create("Last", ORG_ID_MAX)
    assert house.access.acting(caller, str(ORG_ID_MAX)).org == ORG_ID_MAX
    for wanted in (str(ORG_ID_MAX)[:-1], f"0{ORG_ID_MAX}", "1x"):
        with pytest.raises(Forbidden):
            house.access.acting(caller, wanted)


async def test_behind_the_greatest_id_the_lowest_that_is_free_is_given() -> None:
    orgs = House(Kept()).orgs
    assert (await orgs.create("First")).id == 1
    assert (await orgs.create("Last but one", ORG_ID_MAX - 1)).id == ORG_ID_MAX - 1
    assert (await orgs.create("Last")).id == ORG_ID_MAX
    assert (await orgs.create("Second")).id == 2


@pytest.mark.parametrize(("more", "is_known"), [(0, True), (1, False)])
async def test_a_header_is_looked_at_up_to_its_length(more: int, is_known: bool) -> None:
    access = House(Kept()).access
    await access.put("acme", "secret", OrgId(7), platform=False, scopes="*")
    header = basic("acme", "secret").ljust(PRESENTED_MAX + more)
    assert (access.at_hand(header, None) is not None) is is_known


async def test_quotas_that_are_full_are_forgotten_when_many_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidings.engine.access.limits.KEPT_MAX", 2)
    house = House(Kept())
    now_s = [0.0]
    quotas = Quotas(house.orgs, lambda: now_s[0])
    for name in ("a", "b"):
        await house.access.put(name, "secret", OrgId(7), platform=False, scopes="*")
    callers = [house.access.caller(basic(name, "secret"), "logs:read") for name in ("a", "b")]
    for caller in callers:
        quotas.call(caller)
    now_s[0] = 60.0  # by now all of it is there again
    assert len(quotas._quotas) == 2
    await house.access.put("c", "secret", OrgId(7), platform=False, scopes="*")
    quotas.call(house.access.caller(basic("c", "secret"), "logs:read"))
    assert [of for _, of in quotas._quotas] == ["c"]

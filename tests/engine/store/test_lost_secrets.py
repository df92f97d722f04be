"""A secret or a password is set, its answer is lost, and whoever has asked asks again."""

from typing import Any

import pytest

from tests.api.control_client import Service, service
from tests.engine.store.store_faults import first, refusing
from tidings.core.ids import OrgId
from tidings.errors import Conflict
from tidings.store import port

ORG = OrgId(7)
EMAIL = "a@b.example"
FIRST, LOST, LAST = "the first word of it", "the second word of it", "the third word of it"
TILL: dict[str, Any] = {
    "kind": "till",
    "code": "till.01",
    "name": "Till",
    "password": "a long word of it",
    "scopes": {"events": "write"},
}


async def invited(s: Service) -> str:
    await s.add_org(ORG)
    body = {"email": EMAIL, "role": "admin", "name": "A"}
    _, link = await s.users.create(s.access.caller_of("boss"), ORG, body)
    assert link is not None
    return link.token


async def test_a_reset_sets_the_password_that_it_was_told_last() -> None:
    async with service() as s:
        person = await s.users.open_link(await invited(s), FIRST)
        link = await s.users.link(s.access.caller_of("boss"), ORG, person)
        refusing(s.store, "put_people", first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await s.users.open_link(link.token, LOST)
        assert await s.users.open_link(link.token, LAST) == person
        assert await s.users.verify(EMAIL, LAST) == person


@pytest.mark.parametrize("again", [LOST, LAST])
async def test_who_changes_a_password_is_not_told_that_another_one_was_set(again: str) -> None:
    async with service() as s:
        person = await s.users.open_link(await invited(s), FIRST)
        refusing(s.store, "put_people", first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await s.users.change_password(EMAIL, FIRST, LOST)
        told = await s.users.change_password(EMAIL, FIRST, again)
        assert told == (person if again == LOST else None)
        assert await s.users.verify(EMAIL, LOST) == person


@pytest.mark.parametrize("again", [LOST, LAST])
async def test_who_accepts_an_invitation_again_is_let_in_by_the_same_password(again: str) -> None:
    async with service() as s:
        token = await invited(s)
        refusing(s.store, "put_people", first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await s.users.open_link(token, LOST)
        if again == LOST:
            assert await s.users.open_link(token, again) == await s.users.verify(EMAIL, LOST)
        else:
            with pytest.raises(Exception, match="link_ended"):
                await s.users.open_link(token, again)
        with pytest.raises(Exception, match="link_ended"):
            await s.users.open_link(token, LOST)


@pytest.mark.parametrize("between", [False, True])
async def test_the_secret_that_callers_have_stays_good_for_the_overlap(between: bool) -> None:
    async with service() as s:
        await s.add_org(ORG)
        boss, credentials = s.access.caller_of("boss"), s.access_services.credentials
        refusing(s.store, "put_credential", first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await credentials.rotate(boss, ORG, "org7", {"overlapHours": 1})
        if between:  # this reads again what is stored
            await credentials.change(boss, ORG, "org7", {"name": "New"})
        _, fresh = await credentials.rotate(boss, ORG, "org7", {"overlapHours": 1})
        assert s.access.prove("org7", "secret") is not None
        assert s.access.prove("org7", fresh) is not None
        _, newest = await credentials.rotate(boss, ORG, "org7", {"overlapHours": 1})
        assert s.access.prove("org7", "secret") is None
        assert s.access.prove("org7", fresh) and s.access.prove("org7", newest)


async def test_a_till_whose_making_had_no_answer_is_made_by_the_same_call_again() -> None:
    async with service() as s:
        await s.add_org(ORG)
        await s.add_org(OrgId(8))
        boss, credentials = s.access.caller_of("boss"), s.access_services.credentials
        refusing(s.store, "put_credential", first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await credentials.create(boss, ORG, TILL)
        with pytest.raises(Conflict):
            await credentials.create(boss, OrgId(8), TILL)
        with pytest.raises(Conflict):
            await credentials.create(boss, ORG, TILL | {"name": "Another"})
        made, _ = await credentials.create(boss, ORG, TILL)
        assert (made.name, made.revision) == ("Till", 2)
        assert s.access.prove("till.01", "a long word of it", plain=True) is not None
        with pytest.raises(Conflict):
            await credentials.create(boss, ORG, TILL)

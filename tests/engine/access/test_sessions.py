"""Sessions: how they begin, what they stand for, and all the ways in which they end."""

from collections.abc import Awaitable, Callable

import pytest

from tests.api.control_client import Service, service
from tidings.core.ids import OrgId
from tidings.engine.access.guards.guarded_links import open_link
from tidings.engine.access.guards.sign_in_guard import SignInGuard, TooManyTries
from tidings.engine.access.keys import csrf_of
from tidings.engine.access.sessions import ABSOLUTE_MS, IDLE_MS, PER_OWNER_MAX, SignedIn
from tidings.errors import Denied, Forbidden, Unauthenticated

ORG = OrgId(7)

HOUR_MS = 3_600_000
WORD = "several words of mine"


async def enter(s: Service, key: str = "boss", secret: str = "s3cret") -> SignedIn:
    return await s.sessions.by_credential(key, secret, "192.0.2.1", "Firefox")


async def person(s: Service, *orgs: int) -> SignedIn:
    """Asha, an operator of these orgs, signed in."""
    boss = s.access.caller_of("boss")
    for org in orgs:
        body = {"email": "asha@acme.example", "role": "operator"}
        if org == orgs[0]:
            await s.users.create(boss, OrgId(org), body | {"password": WORD})
        else:
            _, link = await s.users.create(boss, OrgId(org), body)
            assert link is not None
            await s.users.open_link(link.token, WORD)
    return await s.sessions.by_password("asha@acme.example", WORD, "192.0.2.1", "Firefox")


def ended(s: Service, token: str) -> bool:
    try:
        s.sessions.caller(token)
    except Unauthenticated:
        return True
    return False


async def test_a_session_of_a_credential_is_the_same_caller() -> None:
    async with service() as s:
        auth = await s.add_org(7, "logs:read admin:write")
        signed = await enter(s, "org7", "secret")
        caller = s.sessions.caller(signed.token)
        assert caller == s.access.caller(auth.encode(), "logs:read")
        assert caller.may("admin:write") and not caller.may("events:read")
        with pytest.raises(Denied) as denied:
            s.sessions.caller(signed.token, OrgId(1))
        assert isinstance(denied.value, Forbidden)
        assert s.sessions.caller(signed.token, ORG) == caller


async def test_a_session_of_the_platform_may_act_for_any_org() -> None:
    async with service() as s:
        await s.add_org(7)
        signed = await enter(s)
        caller = s.sessions.caller(signed.token, ORG)
        assert (caller.org, caller.platform) == (7, True)
        with pytest.raises(Denied):
            s.sessions.caller(signed.token, OrgId(8))


async def test_a_session_of_a_person_is_an_org_and_a_role() -> None:
    async with service() as s:
        for org in (7, 8, 9):
            await s.add_org(org)
        signed = await person(s, 7, 8)
        caller = s.sessions.caller(signed.token, OrgId(8))
        assert (caller.org, caller.role, caller.platform) == (8, "operator", False)
        assert caller.may("webhooks:write") and not caller.may("admin:read")
        assert caller.attribution.code == "asha@acme.example"
        assert s.sessions.caller(signed.token).org == 7
        assert [seat.org for seat in s.sessions.seats(signed.token)] == [7, 8]
        theirs, nobodys = (
            pytest.raises(Denied, s.sessions.caller, signed.token, OrgId(org)) for org in (9, 99)
        )
        assert type(theirs.value) is type(nobodys.value) is Forbidden
        assert str(theirs.value) == str(nobodys.value).replace("99", "9")


async def test_a_till_signs_in_with_its_password_itself() -> None:
    async with service() as s:
        await s.add_org(7)
        boss = s.access.caller_of("boss")
        body = {"kind": "till", "code": "t.1", "password": WORD, "scopes": {"logs": "read"}}
        await s.access_services.credentials.create(boss, ORG, body)
        signed = await enter(s, "t.1", WORD)
        assert s.sessions.caller(signed.token).attribution.type == "TILL"


@pytest.mark.parametrize(
    ("key", "secret"), [("boss", "wrong"), ("boss", ""), ("nobody", "s3cret"), ("", "")]
)
async def test_a_wrong_pair_does_not_sign_in(key: str, secret: str) -> None:
    async with service() as s:
        with pytest.raises(Denied) as denied:
            await enter(s, key, secret)
        assert type(denied.value) is Unauthenticated
        assert denied.value.reason.code == "not_known"
        with pytest.raises(Denied) as of_person:
            await s.sessions.by_password(key, secret, "192.0.2.1")
        assert of_person.value.reason.message == denied.value.reason.message
        assert not (await s.store.load_people()).sessions


@pytest.mark.parametrize("token", ["", "tsn_x", "\ud800", "a" * 100_000])
async def test_anything_else_is_no_session(token: str) -> None:
    async with service() as s:
        await enter(s)
        assert ended(s, token)
        await s.sessions.sign_out(token)


async def test_a_session_ends_when_it_is_idle_and_at_its_greatest_age() -> None:
    async with service() as s:
        idle, used = await enter(s), await enter(s)
        start = s.clock.ms
        s.clock.ms += IDLE_MS - 1
        assert not ended(s, used.token)
        s.clock.ms += 1
        assert ended(s, idle.token) and not ended(s, used.token)
        while s.clock.ms < start + ABSOLUTE_MS - HOUR_MS:
            s.clock.ms += HOUR_MS
            assert not ended(s, used.token)
        s.clock.ms += HOUR_MS
        assert ended(s, used.token)
        await s.access_services.upkeep.write()
        assert not (await s.store.load_people()).sessions


async def test_that_it_was_used_outlives_a_restart() -> None:
    async with service() as s:
        signed = await enter(s)
        s.clock.ms += 11 * HOUR_MS
        assert not ended(s, signed.token)
        await s.access_services.upkeep.write()
        s.clock.ms += 2 * HOUR_MS
        again = Service(s.store, s.clock)
        await again.start()
        assert not ended(again, signed.token)


@pytest.mark.parametrize("left_ms", [1, 30_000, HOUR_MS])
async def test_one_that_was_used_just_before_its_end_outlives_the_sweep_and_a_restart(
    left_ms: int,
) -> None:
    """Its use is not written yet when what was idle for too long is dropped from the store."""
    async with service() as s:
        signed, idle = await enter(s), await enter(s)
        s.clock.ms += IDLE_MS - left_ms
        assert not ended(s, signed.token)
        s.clock.ms += left_ms + 1
        await s.access_services.upkeep.write()
        assert ended(s, idle.token) and not ended(s, signed.token)
        again = Service(s.store, s.clock)
        await again.start()
        assert ended(again, idle.token) and not ended(again, signed.token)


async def test_sign_out_ends_one_and_everywhere_ends_all_also_after_a_restart() -> None:
    async with service() as s:
        await s.add_org(7)
        mine = [await enter(s) for _ in range(3)]
        others = await enter(s, "org7", "secret")
        await s.sessions.sign_out(mine[0].token)
        assert [ended(s, signed_in.token) for signed_in in mine] == [True, False, False]
        assert await s.sessions.sign_out_everywhere(mine[1].token) == 2
        for house in (s, Service(s.store, s.clock)):
            if house is not s:
                await house.start()
            assert all(ended(house, signed_in.token) for signed_in in mine)
            assert not ended(house, others.token)


async def test_signing_out_holds_although_the_store_refuses() -> None:
    async with service() as s:
        signed = await enter(s)
        s.store.down = True
        with pytest.raises(Exception, match="disk is full"):
            await s.sessions.sign_out(signed.token)
        assert ended(s, signed.token)


async def revoke(s: Service) -> None:
    await s.access_services.credentials.revoke(s.access.caller_of("boss"), ORG, "org7")


async def rotate(s: Service) -> None:
    boss = s.access.caller_of("boss")
    await s.access_services.credentials.rotate(boss, ORG, "org7", {"overlapInHours": 0})


async def expire(s: Service) -> None:
    boss = s.access.caller_of("boss")
    body = {"expiresAt": "2026-02-11T09:15:01Z"}
    await s.access_services.credentials.change(boss, ORG, "org7", body)
    s.clock.ms += 1_000


@pytest.mark.parametrize("end", [revoke, rotate, expire])
async def test_it_ends_with_what_it_was_opened_by(
    end: Callable[[Service], Awaitable[None]],
) -> None:
    async with service() as s:
        await s.add_org(7)
        signed = await enter(s, "org7", "secret")
        assert not ended(s, signed.token)
        await end(s)
        assert ended(s, signed.token)


async def test_a_rotation_with_overlap_leaves_it_until_the_overlap_ends() -> None:
    async with service() as s:
        await s.add_org(7)
        signed = await enter(s, "org7", "secret")
        boss = s.access.caller_of("boss")
        await s.access_services.credentials.rotate(boss, ORG, "org7", {"overlapInHours": 2})
        s.clock.ms += 2 * HOUR_MS - 1
        assert not ended(s, signed.token)
        s.clock.ms += 1
        assert ended(s, signed.token)


async def test_every_sign_in_has_a_new_token_and_only_digests_are_kept() -> None:
    async with service() as s:
        tokens = {(await enter(s)).token for _ in range(5)}
        assert len(tokens) == 5
        kept = repr(await s.store.load_people()) + repr(vars(s.sessions))
        assert not any(token in kept for token in tokens)
        signed = await enter(s)
        assert signed.token not in repr(signed)


async def test_one_owner_has_at_most_so_many() -> None:
    async with service() as s:
        first = await enter(s)
        rest = [await enter(s) for _ in range(PER_OWNER_MAX)]
        assert ended(s, first.token) and not any(ended(s, signed_in.token) for signed_in in rest)
        assert len((await s.store.load_people()).sessions) == PER_OWNER_MAX


async def test_the_list_is_the_owners_alone_and_tells_which_one_asks() -> None:
    async with service() as s:
        await s.add_org(7)
        first = await enter(s)
        s.clock.ms += 5
        second = await enter(s)
        await enter(s, "org7", "secret")
        listed = s.sessions.list(first.token)
        assert [open_session.own for open_session in listed] == [False, True]
        assert listed[0].created_ms == s.clock.ms
        assert (listed[0].address, listed[0].agent) == ("192.0.2.1", "Firefox")
        await s.sessions.sign_out(second.token)
        assert len(s.sessions.list(first.token)) == 1


async def test_a_link_signs_in_once_within_ten_minutes() -> None:
    async with service() as s:
        link = await s.sessions.make_link("boss")
        signed = await s.sessions.by_link(link, "192.0.2.1")
        assert s.sessions.caller(signed.token).platform
        with pytest.raises(Denied, match="must be unused"):
            await s.sessions.by_link(link, "192.0.2.1")
        late = await s.sessions.make_link("boss")
        s.clock.ms += 600_000
        with pytest.raises(Denied, match="must be unused"):
            await s.sessions.by_link(late, "192.0.2.1")
        _, invitation = await s.users.create(
            s.access.caller_of("boss"), OrgId(1), {"email": "a@b.example"}
        )
        assert invitation is not None
        with pytest.raises(Denied, match="must be unused"):
            await s.sessions.by_link(invitation.token, "192.0.2.1")


async def test_a_link_of_a_revoked_credential_does_not_sign_in() -> None:
    async with service() as s:
        await s.add_org(7)
        link = await s.sessions.make_link("org7")
        await revoke(s)
        with pytest.raises(Denied):
            await s.sessions.by_link(link, "192.0.2.1")


async def test_a_form_belongs_to_its_session_and_to_one_address() -> None:
    async with service() as s:
        one, two = await enter(s), await enter(s)
        made = csrf_of(one.token, "/console/o/7/stop")
        assert made == csrf_of(one.token, "/console/o/7/stop")
        others = {
            csrf_of(two.token, "/console/o/7/stop"),
            csrf_of(one.token, "/console/o/8/stop"),
            csrf_of(one.token, "/console/o/7/stop/"),
            csrf_of(one.token, ""),
            csrf_of(one.token, "\ud800"),
            csrf_of(one.token + "/console", "/o/7/stop"),
        }
        assert made not in others and len(others) == 6
        assert made not in one.token


async def guess(s: Service, key: str, address: str, device: str = "") -> str:
    """What came of a wrong secret."""
    try:
        way = s.sessions.by_password if "@" in key else s.sessions.by_credential
        await way(key, "wrong", address, "", device)
    except TooManyTries:
        return "waits"
    except Denied:
        return "looked at"
    raise AssertionError("a wrong secret signs in")


@pytest.mark.parametrize("tries", [10, 40, 200])
@pytest.mark.parametrize("who", ["boss", "asha@acme.example"])
async def test_tries_from_one_address_shut_out_that_address_alone(tries: int, who: str) -> None:
    async with service() as s:
        await s.add_org(7)
        await person(s, 7)
        secret = {"boss": "s3cret"}.get(who, WORD)
        way = s.sessions.by_password if "@" in who else s.sessions.by_credential
        told = [await guess(s, who, "192.0.2.66") for _ in range(tries)]
        assert told == ["looked at"] * 10 + ["waits"] * (tries - 10)
        with pytest.raises(TooManyTries) as slow:
            await way(who, secret, "192.0.2.66")
        assert 0 < slow.value.wait_s <= 90
        assert (await way(who, secret, "198.51.100.7")).token
        s.clock.ms += 91_000
        assert (await way(who, secret, "192.0.2.66")).token


async def test_tries_from_many_addresses_do_not_shut_the_owner_out() -> None:
    """But strangers: what all of them have together is bounded."""
    async with service() as s:
        signed = await s.sessions.by_credential("boss", "s3cret", "198.51.100.7")
        told = [await guess(s, "boss", f"203.0.{n // 9}.{n % 9}") for n in range(400)]
        assert told.count("looked at") == 50
        with pytest.raises(TooManyTries):
            await s.sessions.by_credential("boss", "s3cret", "192.0.2.1")
        known = await s.sessions.by_credential("boss", "s3cret", "198.51.100.7")
        assert known.token, "an address where somebody has signed in before"
        moved = await s.sessions.by_credential("boss", "s3cret", "192.0.2.2", "", signed.device)
        assert moved.token, "a browser where somebody has signed in before"
        s.sessions.load(await s.store.load_people())
        assert (await s.sessions.by_credential("boss", "s3cret", "198.51.100.7")).token


async def test_a_browsers_mark_is_of_one_account_and_is_counted_too() -> None:
    async with service() as s:
        await s.add_org(7)
        device = (await s.sessions.by_credential("boss", "s3cret", "192.0.2.1")).device
        told = [await guess(s, "org7", f"203.0.113.{n}", device) for n in range(60)]
        assert told.count("looked at") == 50, "it says nothing of another account"
        for forged in ("", ".", device[:-1], device + "0", "x" * 5000, device.upper(), "é.é"):
            assert (await guess(s, "org7", "203.0.113.99", forged)) == "waits"
        told = [await guess(s, "boss", f"10.1.1.{n}", device) for n in range(80)]
        assert told.count("looked at") == 60, "ten of its own, then those of a stranger"


async def test_an_org_that_set_a_password_for_an_address_guesses_no_faster_at_another_account() -> (
    None
):
    async with service() as s:
        await s.add_org(7)
        await s.add_org(8)
        await person(s, 7)
        boss = s.access.caller_of("boss")
        body = {"email": "asha@acme.example", "role": "operator"}
        looked = 0
        for n in range(200):
            user, link = await s.users.create(boss, OrgId(8), body)
            assert link is not None
            word = f"a word that is guessed {n}"
            try:
                await open_link(
                    s.services.access.guard,
                    s.services.access.everywhere,
                    s.services.access.sign_ins,
                    s.clock.now_ms() / 1000,
                    "192.0.2.66",
                    link.token,
                    word,
                )
                signed = await s.sessions.by_password("asha@acme.example", word, "192.0.2.66")
                assert [seat.org for seat in s.sessions.seats(signed.token)] == [8]
                await guess(s, "asha@acme.example", "192.0.2.66", signed.device)
                looked += 1
            except TooManyTries:
                pass
            await s.users.remove(boss, OrgId(8), user.person.id)
        assert looked <= 10


def test_guessing_is_slowed_down_by_address_whatever_the_account() -> None:
    guard = SignInGuard()
    for n in range(30):
        guard.enter("192.0.2.1", f"a{n}", 0.0)
        guard.succeeded("192.0.2.1", f"a{n}", 0.0)
    with pytest.raises(TooManyTries):
        guard.enter("192.0.2.1", "another", 0.0)
    with pytest.raises(TooManyTries):
        guard.enter("::ffff:192.0.2.1", "another", 0.0)
    guard.enter("192.0.2.2", "another", 0.0)
    guard.enter("192.0.2.1", "another", 10.1)


def test_an_ipv6_network_is_one_address() -> None:
    guard = SignInGuard()
    for n in range(30):
        guard.enter(f"2001:db8::{n:x}", f"a{n}", 0.0)
    with pytest.raises(TooManyTries):
        guard.enter("2001:db8:0:0:ffff::1", "another", 0.0)
    guard.enter("2001:db8:0:1::1", "another", 0.0)
    guard.enter("not an address" * 100, "another", 0.0)


def test_what_is_remembered_of_tries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidings.engine.access.guards.sign_in_guard.KEPT_MAX", 50)
    guard = SignInGuard()
    for n in range(500):
        guard.enter(f"10.0.{n // 250}.{n % 250}", f"a{n}", 0.0)
        guard.succeeded(f"10.0.{n // 250}.{n % 250}", f"a{n}", 0.0)
    assert len(guard._by_address) == len(guard._by_account) == len(guard._known) == 50

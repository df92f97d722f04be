"""Access: who is known, what they may do, for which org, and how credentials come to be."""

import base64

import pytest

from tests.engine.access.house import House, Kept, basic
from tidings.core.ids import OrgId
from tidings.engine.access.access import (
    REMEMBERED_MAX,
    TILL,
    AuthenticatedCaller,
    BootstrapRefused,
    CredentialBook,
    grants_of,
    is_typed,
    typed,
)
from tidings.engine.access.keys import digest_of, till_secret
from tidings.errors import Conflict, Denied, Forbidden, Invalid, RequestRefused, Unauthenticated
from tidings.store import port

ORG = OrgId(7)


def shown(caller: AuthenticatedCaller) -> tuple[int, bool, str]:
    return caller.org, caller.platform, caller.credential


def denied(access: CredentialBook, header: bytes | None, scope: str = "events:write") -> Denied:
    with pytest.raises(Denied) as refused:
        access.caller(header, scope)
    return refused.value


async def test_a_known_key_and_secret_are_a_caller() -> None:
    access = House(Kept()).access
    await access.put("acme", "a:b ü", ORG, platform=False, scopes="events:write logs:read")
    header = basic("acme", "a:b ü")
    assert shown(access.caller(header, "events:write")) == (7, False, "acme")
    assert access.caller(header, "logs:read") is access.caller(header, "events:read")
    assert access.caller(header.replace(b"Basic", b"bASIC"), "logs:read").org == 7
    for scope in ("logs:write", "admin:read", "events", ""):
        assert isinstance(denied(access, header, scope), Forbidden)


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"Basic",
        b"Basic ",
        b"Bearer abc",
        b"Basic !!!!",
        b"Basic " + base64.b64encode(b"acme"),
        b"Basic " + base64.b64encode(b"\xff\xfe:x"),
        basic("acme", "wrong"),
        basic("acme", ""),
        basic("nobody", "secret"),
        basic("", ""),
    ],
)
async def test_with_anything_else_nobody_knows_who_calls(header: bytes | None) -> None:
    access = House(Kept()).access
    await access.put("acme", "secret", ORG, platform=False, scopes="*")
    refused = denied(access, header)
    assert isinstance(refused, Unauthenticated) and refused.reason.code == "unauthenticated"
    said = refused.reason.message.replace("key:secret", "").replace("and secret", "")
    assert "secret" not in said


async def test_a_change_is_in_force_at_once() -> None:
    access = House(Kept()).access
    await access.put("acme", "old", ORG, platform=False, scopes="*")
    assert access.caller(basic("acme", "old"), "logs:read")
    await access.put("acme", "new", ORG, platform=False, scopes="logs:read")
    assert isinstance(denied(access, basic("acme", "old")), Unauthenticated)
    assert isinstance(denied(access, basic("acme", "new")), Forbidden)


async def test_a_revoked_credential_is_unknown() -> None:
    kept = Kept()
    await House(kept).access.put("acme", "secret", ORG, platform=False, scopes="*")
    [credential] = kept.credentials
    kept.credentials = [
        port.StoredCredential(credential.id, ORG, False, credential.digest, "*", 1, revoked_ms=5)
    ]
    assert isinstance(denied(House(kept).access, basic("acme", "secret")), Unauthenticated)


async def test_only_digests_are_kept_and_what_is_remembered_is_bounded() -> None:
    kept = Kept()
    access = House(kept).access
    await access.put("acme", "hunter2", ORG, platform=False, scopes="*")
    for spaces in range(REMEMBERED_MAX + 5):
        access.caller(basic("acme", "hunter2") + b" " * spaces, "logs:read")
    assert len(access._remembered) <= REMEMBERED_MAX
    everything = repr(kept.credentials) + repr(vars(access))
    assert "hunter2" not in everything
    assert base64.b64encode(b"acme:hunter2").decode() not in everything


async def test_the_bootstrap_credential_may_be_given_at_every_start() -> None:
    kept = Kept()
    for _ in range(3):
        house = House(kept)
        await house.access.ensure_bootstrap(OrgId(50), "boss", "s3cret")
        assert house.access.caller(basic("boss", "s3cret"), "admin:write").platform
        assert house.registry.version == 2
    assert [org.id for org in kept.orgs] == [50] and len(kept.credentials) == 1
    await House(kept).access.ensure_bootstrap(OrgId(50), "boss", "other")
    assert len(kept.credentials) == 2
    assert isinstance(denied(House(kept).access, basic("boss", "s3cret")), Unauthenticated)
    for key, secret in (("", "x"), ("a:b", "x"), ("a", "")):
        with pytest.raises(BootstrapRefused, match="TIDINGS_BOOTSTRAP"):
            await House(kept).access.ensure_bootstrap(OrgId(50), key, secret)


async def test_the_first_start_makes_a_platform_credential_once() -> None:
    kept = Kept()
    fresh = await House(kept).access.first_credential()
    assert fresh is not None
    assert is_typed("tdk", fresh.key) and is_typed("tds", fresh.secret)
    assert fresh.secret not in repr(fresh)
    again = House(kept)
    assert await again.access.first_credential() is None
    caller = again.access.caller(basic(fresh.key, fresh.secret), "replay:write")
    assert shown(caller) == (1, True, fresh.key)
    assert [org.id for org in kept.orgs] == [1]


async def test_the_platform_acts_for_an_org_and_nobody_else_does() -> None:
    house = House(Kept())
    await house.access.ensure_bootstrap(OrgId(1), "boss", "s3cret")
    await house.orgs.create("Acme", 7)
    boss = house.access.caller(basic("boss", "s3cret"), "logs:read")
    assert house.access.acting(boss, None) is boss
    assert house.access.acting(boss, "1") is boss
    assert shown(house.access.acting(boss, "7")) == (7, True, "boss")
    for odd in ("8", "x", "-7", "7.0", "٧", "9" * 40):
        with pytest.raises(Denied, match="X-Tidings-Org must name an existing org"):
            house.access.acting(boss, odd)
    acme = AuthenticatedCaller(ORG, False, "acme")
    assert house.access.acting(acme, "7") is acme
    with pytest.raises(Denied, match="own org"):
        house.access.acting(acme, "1")


def test_scopes_in_words() -> None:
    assert grants_of("events:write") == {"events:write", "events:read"}
    assert grants_of("logs:read junk admin:none") == {"logs:read"}
    assert {"admin:write", "webhooks:read"} <= grants_of("*")


def test_a_typed_key_is_told_from_any_text() -> None:
    key = typed("tdk", b"\x00" * 9 + b"\x01")
    assert len(key) == 4 + 16 + 7 and is_typed("tdk", key)
    assert not is_typed("tds", key)
    assert not is_typed("tdk", key[:-1] + ("0" if key[-1] != "0" else "1"))


async def test_orgs_form_no_ring_and_have_their_own_ids() -> None:
    house = House(Kept())
    first = await house.orgs.create("A")
    second = await house.orgs.create("B", None, first.id)
    assert (first.id, second.id, second.parent) == (1, 2, 1)
    assert await house.orgs.ensure(OrgId(2)) is second
    wrong: list[tuple[type[RequestRefused], str, object, object]] = [
        (Invalid, "", 5, None),
        (Conflict, "x", 1, None),
        (Invalid, "x", True, None),
        (Invalid, "x", 5, 9),
    ]
    for kind, name, id, parent in wrong:
        with pytest.raises(kind):
            await house.orgs.create(name, id, parent)
    assert [org.id for org in house.orgs.all()] == [1, 2]


async def test_who_is_known_is_found_before_the_call_and_nothing_is_counted() -> None:
    access = House(Kept()).access
    await access.put("acme", "secret", ORG, platform=False, scopes="events:write")
    first = access.at_hand(basic("acme", "secret"), None)
    assert first is not None and shown(first) == (ORG, False, "acme")
    credential = access.credential("acme")
    assert credential is not None and access.used_ms(credential) is None
    remembered = access.caller(basic("acme", "secret"), "events:write")
    assert access.at_hand(basic("acme", "secret"), None) == remembered
    for wrong in (
        None,
        b"",
        b"Basic",
        b"Basic !!!",
        b"Basic " + base64.b64encode(b"\xff"),
        b"Bearer x",
        b"Digest acme",
        basic("acme", "other"),
        basic("nobody", "secret"),
        b"Basic " + b"a" * 100_000,
    ):
        assert access.at_hand(wrong, None) is None
    assert access.at_hand(basic("acme", "secret"), b"no token") is None


async def test_a_tills_secret_is_not_tried_before_its_call_begins() -> None:
    access = House(Kept()).access
    access._credentials["till.1"] = port.StoredCredential(
        "till.1",
        ORG,
        False,
        digest_of(till_secret("secret")),
        "events:write",
        created_ms=0,
        kind=TILL,
    )
    header = basic("till.1", till_secret("secret"))
    assert access.at_hand(header, None) is None
    caller = access.caller(header, "events:write")
    assert access.at_hand(header, None) == caller

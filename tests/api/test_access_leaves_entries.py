"""Who may come in, who has and who has not: every change and every sign-in leaves its entry."""

from typing import Any

import msgspec
import pytest

from tests.api.control_client import Service, basic, service
from tests.api.v1.access.credential_calls import make
from tests.api.v1.access.user_calls import PASSWORD, active, add, on, password
from tests.engine.audit.kept_log import entries_of
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditEntry
from tidings.core.ids import OrgId
from tidings.engine.access.sessions import PER_OWNER_MAX
from tidings.errors import Denied
from tidings.store import port

ASHA, NEW_WORD = "asha@acme.example", "quite different words"
ADDRESS = "192.0.2.7"


def of(s: Service, chain: int, *kinds: str) -> list[AuditEntry]:
    return [change for change in entries_of(s.store, chain) if change.object_kind in kinds]


def names(changes: list[AuditEntry]) -> list[str]:
    return [change.action for change in changes]


def fields(kept: bytes | None) -> dict[str, Any]:
    return dict(msgspec.json.decode(kept or b"{}"))


async def test_every_change_of_a_credential_is_recorded_without_its_secret() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        made = await make(s, 7, auth)
        path = f"/v1/orgs/7/credentials/{made['id']}"
        await s.call("PATCH", path, {"name": "shop"}, auth)
        rotated = await s.call("POST", f"{path}/rotate", {"overlapInHours": 1}, auth)
        await s.call("DELETE", path, None, auth)
        changes = [change for change in of(s, 7, "credential") if change.object == made["id"]]
        assert names(changes) == [
            "credential.created",
            "credential.changed",
            "credential.rotated",
            "credential.revoked",
        ]
        assert {change.actor for change in changes} == {"org7"}
        assert fields(changes[0].after)["scopes"]["webhooks"] == "read"
        assert fields(changes[1].before) == {"name": "crm"}
        assert fields(changes[1].after) == {"name": "shop"}
        assert fields(changes[2].after)["secret"] == "… (changed)"
        assert fields(changes[3].before)["revokedAt"] is None
        for secret in (made["secret"], rotated.json["secret"]):
            for change in changes:
                kept = (change.before or b"") + (change.after or b"")
                assert secret.encode() not in kept and secret[-4:].encode() not in kept


async def test_what_is_the_platforms_own_is_in_the_chain_of_the_platform() -> None:
    async with service() as s:
        [boss] = of(s, PLATFORM_CHAIN, "credential")
        assert (boss.action, boss.object, boss.actor_kind) == (
            "credential.created",
            "boss",
            "operator",
        )
        assert of(s, 1, "credential") == []
        await s.call("PATCH", "/v1/orgs/1/credentials/boss", {"name": "ours"})
        assert names(of(s, PLATFORM_CHAIN, "credential"))[1:] == ["credential.changed"]


async def test_every_change_of_a_user_is_recorded() -> None:
    async with service() as s:
        await s.add_org(7)
        user = await active(s, 7, ASHA)
        path = f"/{user['id']}"
        await on(s, "PATCH", 7, path, {"role": "operator"})
        await on(s, "PATCH", 7, path, {"disabled": True})
        await on(s, "PATCH", 7, path, {"disabled": False})
        link = await on(s, "POST", 7, f"{path}/link")
        await password(s, token=link.json["token"], password=NEW_WORD)
        await on(s, "DELETE", 7, path)
        changes = of(s, 7, "user")
        assert names(changes) == [
            "user.invited",
            "user.accepted",
            "user.changed",
            "user.changed",
            "user.changed",
            "user.linked",
            "user.password_set",
            "user.removed",
        ]
        assert {change.object for change in changes} == {user["id"]}
        accepted = changes[1]
        assert (accepted.actor_kind, accepted.actor, accepted.actor_name) == (
            "person",
            user["id"],
            ASHA,
        )
        assert accepted.face == "api" and accepted.address
        assert fields(changes[2].before) == {"role": "reader"}
        assert fields(changes[3].after) == {"status": "disabled"}
        assert fields(changes[5].after)["purpose"] == "reset"
        for word in (user["invitation"]["token"], link.json["token"], PASSWORD, NEW_WORD, "argon"):
            for change in changes:
                assert word.encode() not in (change.before or b"") + (change.after or b"")


async def test_a_link_to_a_portal_is_recorded() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        body = {"name": "Acme", "logo": "https://cdn.example/l.png?key=tok3n"}
        made = await s.call("POST", "/v1/orgs/7/portal-links", body, auth)
        assert made.status == 201, made.json
        [change] = of(s, 7, "portal")
        assert (change.action, change.actor) == ("portal.linked", "org7")
        token = made.json["url"].partition("link=")[2]
        assert fields(change.after)["name"] == "Acme"
        assert token.encode() not in (change.after or b"") and b"tok3n" not in (change.after or b"")
        signed, _ = await s.access_services.portals.open(token, ADDRESS, "Firefox")
        await s.sessions.sign_out(signed.token)
        begun, ended = of(s, 7, "session")
        assert (begun.action, ended.action) == ("session.begun", "session.ended")
        assert (begun.actor_kind, begun.actor_name) == ("person", "Acme portal")
        assert fields(begun.after)["link"] == change.object
        assert fields(begun.after)["by"] == "link of the portal"


async def test_a_person_who_signs_in_is_in_the_chains_of_their_orgs_as_they_are_there() -> None:
    async with service() as s:
        users = {}
        for org in (7, 8):
            await s.add_org(org)
            users[org] = (await active(s, org, ASHA))["id"]
        await s.add_org(9)
        signed = await s.sessions.by_password(ASHA, PASSWORD, ADDRESS, "Firefox")
        await s.sessions.sign_out(signed.token)
        for org, user in users.items():
            begun, ended = of(s, org, "session")
            assert (begun.action, begun.actor, begun.actor_name) == ("session.begun", user, ASHA)
            assert (begun.face, begun.address) == ("console", ADDRESS)
            assert fields(begun.after) == {"by": "password", "agent": "Firefox"}
            assert (ended.action, ended.actor, ended.object) == (
                "session.ended",
                user,
                begun.object,
            )
        assert users[7] != users[8] and of(s, 9, "session") == []
        assert signed.token.encode() not in b"".join(change.after or b"" for change in of(s, 7))


async def test_a_credential_signs_in_and_out_everywhere() -> None:
    async with service() as s:
        await s.add_org(7)
        for _ in range(3):
            signed = await s.sessions.by_credential("org7", "secret", ADDRESS)
        assert await s.sessions.sign_out_everywhere(signed.token) == 3
        assert names(of(s, 7, "session")) == ["session.begun"] * 3 + ["session.ended"]
        assert of(s, 7, "session")[-1].times == 3
        await s.sessions.by_credential("boss", "s3cret", ADDRESS)
        await s.sessions.by_link(await s.sessions.make_link("boss"), ADDRESS)
        signed_in, linked, by_link = of(s, PLATFORM_CHAIN, "session")
        assert linked.action == "session.linked"
        means = [fields(begun.after)["by"] for begun in (signed_in, by_link)]
        assert means == ["credential", "link"]


async def test_of_too_many_sessions_the_end_of_the_oldest_is_recorded() -> None:
    async with service() as s:
        await s.add_org(7)
        for _ in range(PER_OWNER_MAX + 1):
            await s.sessions.by_credential("org7", "secret", ADDRESS)
        assert names(of(s, 7, "session"))[-1] == "session.ended"


async def test_a_store_that_refuses_lets_nobody_in_and_keeps_no_entry() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        made = await make(s, 7, auth)
        user = await active(s, 7, ASHA)
        signed = await s.sessions.by_credential("org7", "secret", ADDRESS)
        before, people = len(entries_of(s.store, 7)), await s.store.load_people()
        s.store.down = True
        calls = [
            ("POST", "/v1/orgs/7/credentials", {"name": "x", "scopes": {"logs": "read"}}),
            ("PATCH", f"/v1/orgs/7/credentials/{made['id']}", {"name": "y"}),
            ("DELETE", f"/v1/orgs/7/credentials/{made['id']}", None),
            ("POST", "/v1/orgs/7/users", {"email": "b@acme.example"}),
            ("PATCH", f"/v1/orgs/7/users/{user['id']}", {"name": "B"}),
            ("DELETE", f"/v1/orgs/7/users/{user['id']}", None),
            ("POST", "/v1/orgs/7/portal-links", {"name": "Acme"}),
        ]
        for method, path, body in calls:
            reply = await s.call(method, path, body, auth)
            assert reply.status == 503, (path, reply.json)
        with pytest.raises(port.StoreDown):
            await s.sessions.by_password(ASHA, PASSWORD, ADDRESS)
        with pytest.raises(port.StoreDown):
            await s.sessions.sign_out(signed.token)
        s.store.down = False
        assert len(entries_of(s.store, 7)) == before
        assert await s.store.load_people() == people
        with pytest.raises(Denied):
            s.sessions.caller(signed.token)  # out of force all the same
        await s.access_services.upkeep.write()
        await s.access_services.upkeep.write()
        assert names(of(s, 7, "session")) == ["session.begun", "session.ended"], "told once"


async def refused(s: Service, email: str, word: str = "wrong words of mine") -> None:
    with pytest.raises(Denied):
        await s.sessions.by_password(email, word, ADDRESS)


async def test_refused_sign_ins_are_one_row_for_address_account_and_minute() -> None:
    async with service() as s:
        await s.add_org(7)
        await s.add_org(8)
        user = (await active(s, 7, ASHA))["id"]
        for _ in range(3):
            await refused(s, ASHA)
        for typed in ("nobody@acme.example", "my-password-in-the-wrong-field@x.example"):
            await refused(s, typed)
        with pytest.raises(Denied):
            await s.sessions.by_credential("tdk_of_nobody", "secret", ADDRESS)
        assert of(s, PLATFORM_CHAIN, "session") == [], "nothing waits for the store"
        await s.access_services.upkeep.write()
        [own] = of(s, 7, "session")
        assert (own.action, own.object, own.times) == ("session.refused", user, 3)
        assert (own.actor_kind, own.face, own.address) == ("unknown", "console", ADDRESS)
        rows = of(s, PLATFORM_CHAIN, "session")
        assert sorted((row.object, row.times) for row in rows) == [("unknown", 3), (user, 3)]
        assert of(s, 8, "session") == []
        for chain in (PLATFORM_CHAIN, 7):
            for row in of(s, chain, "session"):
                shown = msgspec.json.encode(row)
                assert b"wrong" not in shown and b"nobody" not in shown


async def test_refused_calls_with_a_known_key_are_told_to_its_org() -> None:
    async with service() as s:
        await s.add_org(7)
        for _ in range(2):
            reply = await s.call("GET", "/v1/caller", None, basic("org7", "guessed"))
            assert reply.status == 401
        await s.call("GET", "/v1/caller", None, basic("s3cr3t-typed-as-key", "x"))
        await s.call("GET", "/v1/caller", None, "Bearer of.no.body")
        await s.call("GET", "/v1/caller", None, None)
        await s.call("GET", "/v1/caller", None, basic("boss", "guessed"))
        await s.access_services.upkeep.write()
        [own] = of(s, 7, "session")
        assert (own.action, own.object, own.times, own.face) == (
            "session.refused",
            "org7",
            2,
            "api",
        )
        rows = of(s, PLATFORM_CHAIN, "session")
        found = {row.object: row.times for row in rows}
        assert found == {"org7": 2, "unknown": 2, "boss": 1}
        assert b"s3cr3t" not in b"".join(msgspec.json.encode(row) for row in rows)


async def test_refused_links_and_passwords_are_counted() -> None:
    async with service() as s:
        await s.add_org(7)
        user = (await active(s, 7, ASHA))["id"]
        await password(s, token="lnk_of_nobody", password=NEW_WORD)
        await password(s, email=ASHA, currentPassword="wrong", password=NEW_WORD)
        for door in (s.sessions.by_link("lnk_x", ADDRESS),):
            with pytest.raises(Denied):
                await door
        with pytest.raises(Denied):
            await s.access_services.portals.open("lnk_x", ADDRESS, "")
        await s.access_services.upkeep.write()
        [own] = of(s, 7, "session")
        assert (own.action, own.object) == ("session.refused", user)
        rows = of(s, PLATFORM_CHAIN, "session")
        found = sorted((row.object, row.face, row.times) for row in rows)
        assert found == [("unknown", "api", 1), ("unknown", "console", 2), (user, "api", 1)]


async def test_tokens_are_told_once_a_minute() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        made = await make(s, 7, auth, kind="oauth")
        for _ in range(3):
            s.access.token(made["id"], made["secret"], ADDRESS)
        with pytest.raises(Denied):
            s.access.token(made["id"], "guessed", ADDRESS)
        await s.access_services.upkeep.write()
        denied, given = of(s, 7, "session")
        assert (denied.action, denied.object) == ("session.refused", made["id"])
        assert (given.action, given.actor, given.times) == ("session.begun", made["id"], 3)
        assert given.actor_kind == "credential" and fields(given.after)["by"] == "token"


async def test_what_the_store_refused_is_written_by_the_next_round() -> None:
    async with service() as s:
        await s.add_org(7)
        await refused(s, ASHA)
        s.store.down = True
        with pytest.raises(port.StoreDown):
            await s.access_services.upkeep.write()
        s.store.down = False
        await refused(s, ASHA)
        await s.access_services.upkeep.write()
        [row] = of(s, PLATFORM_CHAIN, "session")
        assert (row.object, row.times) == ("unknown", 2)


async def test_a_stranger_fills_no_disk() -> None:
    async with service() as s:
        await s.add_org(7)
        for number in range(400):
            s.access_services.sign_ins.note_refusal("api", f"198.{number}.3.4")
        await s.access_services.upkeep.write()
        rows = of(s, PLATFORM_CHAIN, "session")
        assert len(rows) == 60 and sum(row.times for row in rows) == 400
        [others] = [row for row in rows if row.object == "others"]
        assert others.times == 341


async def test_an_invitation_may_end_and_no_org_learns_of_another() -> None:
    async with service() as s:
        for org in (7, 8):
            await s.add_org(org)
        mine = await active(s, 7, ASHA)
        theirs = await add(s, 8, ASHA)
        changes = of(s, 8, "user", "session")
        assert names(changes) == ["user.invited"] and mine["id"] != theirs["id"]
        assert mine["id"].encode() not in b"".join(msgspec.json.encode(row) for row in changes)
        assert OrgId(8) == changes[0].chain

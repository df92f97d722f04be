"""`/v1/orgs/{orgId}/users` and `/v1/passwords`: invitations, roles, and who sets whose password."""

import asyncio
from typing import Any

import pytest
from argon2.low_level import hash_secret

from tests.api.control_client import Service, basic, service
from tests.api.v1.access.user_calls import PASSWORD, active, add, on, password
from tidings.core.access.scopes import ROLES
from tidings.core.ids import OrgId
from tidings.errors import Denied
from tidings.store import port

ORG = OrgId(7)

OTHER = "quite different words"
DAY_MS = 86_400_000


async def seats(s: Service, email: str, word: str) -> list[tuple[int, str]]:
    """Where an address works with a password, and as what."""
    signed = await s.sessions.by_password(email, word, "192.0.2.1")
    return [(seat.org, seat.role) for seat in s.sessions.seats(signed.token)]


class Counted:
    """How many Argon2 hashes were made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0

        def counted(*arguments: Any, **named: Any) -> bytes:
            self.made += 1
            return hash_secret(*arguments, **named)

        monkeypatch.setattr("argon2._password_hasher.hash_secret", counted)
        monkeypatch.setattr("tidings.engine.access.passwords.hash_secret", counted)


class CountedWrites:
    """What the store was asked to write of people."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, s: Service) -> None:
        self.made: list[str] = []
        for name in ("put_people", "put_link", "take_link", "drop_member"):
            monkeypatch.setattr(s.store, name, self._counted(name, getattr(s.store, name)))

    def _counted(self, name: str, own: Any) -> Any:
        async def ask(*arguments: Any) -> Any:
            self.made.append(name)
            return await own(*arguments)

        return ask


async def signs_in(s: Service, email: str, word: str = PASSWORD) -> bool:
    try:
        await s.sessions.by_password(email, word, "192.0.2.1")
    except Exception as error:
        assert isinstance(error, Denied), error
        return False
    return True


async def test_a_user_is_invited_sets_a_password_and_signs_in() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        body = {"email": " Asha@Acme.example", "name": "Asha", "role": "operator"}
        reply = await on(s, "POST", 7, "", body, auth)
        user = reply.json
        assert reply.status == 201 and reply.headers["cache-control"] == "no-store"
        link = user.pop("invitation")
        assert link["purpose"] == "invite" and link["token"].startswith("lnk_")
        assert link["expiresAt"] == "2026-02-18T09:15:00.000Z"
        assert user | {"id": ""} == {
            "id": "",
            "email": "asha@acme.example",
            "name": "Asha",
            "role": "operator",
            "status": "invited",
            "createdAt": "2026-02-11T09:15:00.000Z",
            "createdBy": "org7",
        }
        assert not await signs_in(s, "asha@acme.example")
        assert (await password(s, token=link["token"], password="short")).status == 400
        assert (await password(s, token=link["token"], password=PASSWORD)).status == 204
        assert (await password(s, token=link["token"], password=OTHER)).status == 400
        assert (await on(s, "GET", 7, f"/{user['id']}")).json["status"] == "active"
        assert await signs_in(s, "ASHA@acme.example ")
        assert not await signs_in(s, "asha@acme.example", OTHER)
        listed = await on(s, "GET", 7, "")
        assert [row["email"] for row in listed.json["users"]] == ["asha@acme.example"]
        people = await s.store.load_people()
        assert str(people.persons[0].password).startswith("$argon2id$")
        assert PASSWORD not in repr(people) and link["token"] not in repr(people)


async def test_an_invitation_expires_and_a_newer_one_ends_it() -> None:
    async with service() as s:
        await s.add_org(7)
        user = await add(s, 7, "a@b.example")
        newer = (await on(s, "POST", 7, f"/{user['id']}/link")).json
        assert newer["purpose"] == "invite"
        reply = await password(s, token=user["invitation"]["token"], password=PASSWORD)
        assert (reply.status, reply.json["error"]["code"]) == (400, "link_ended")
        s.clock.ms += 7 * DAY_MS
        assert (await password(s, token=newer["token"], password=PASSWORD)).status == 400


async def test_an_org_never_learns_nor_sets_the_password_of_anothers_user() -> None:
    async with service() as s:
        seven, eight = await s.add_org(7), await s.add_org(8)
        first = await active(s, 7, "asha@acme.example")
        told = await on(s, "POST", 8, "", {"email": "n@new.example", "password": OTHER}, eight)
        assert (told.status, told.json["error"]["code"]) == (403, "operators_only")
        again = await add(s, 8, "asha@acme.example", "admin", eight)
        fresh = await add(s, 8, "new@acme.example", "admin", eight)
        blank = {"id": "", "email": "", "invitation": {}}
        assert again | blank == fresh | blank, "the answer tells nothing of other orgs"
        for made in (again, fresh):
            told = await password(s, token=made["invitation"]["token"], password=OTHER)
            assert (told.status, told.body) == (204, b"")
            shown = (await on(s, "GET", 8, f"/{made['id']}", None, eight)).json
            assert shown["status"] == "active"
            told = await on(s, "POST", 8, f"/{made['id']}/link", None, eight)
            assert (told.status, told.json["error"]["code"]) == (403, "operators_only")
        assert await seats(s, "asha@acme.example", PASSWORD) == [(7, "reader")]
        assert await seats(s, "asha@acme.example", OTHER) == [(8, "admin")]
        told = await on(s, "POST", 7, f"/{first['id']}/link", None, seven)
        assert (told.status, told.json["error"]["code"]) == (403, "operators_only")
        assert (await on(s, "DELETE", 8, f"/{again['id']}", None, eight)).status == 204
        second = await add(s, 8, "asha@acme.example", "admin", eight)
        assert second["id"] not in (first["id"], again["id"]), "an id would tell it too"


async def test_a_password_set_through_one_org_shuts_nobody_out_of_another() -> None:
    """The other org holds the link, so it may open it first."""
    async with service() as s:
        seven, eight = await s.add_org(7), await s.add_org(8)
        invited = await add(s, 7, "asha@acme.example", "owner", seven)
        theirs = await add(s, 8, "asha@acme.example", "owner", eight)
        taken = theirs["invitation"]["token"]
        assert (await password(s, token=taken, password=OTHER)).status == 204
        assert await seats(s, "asha@acme.example", OTHER) == [(8, "owner")]
        own = invited["invitation"]["token"]
        assert (await password(s, token=own, password=PASSWORD)).status == 204
        assert await seats(s, "asha@acme.example", PASSWORD) == [(7, "owner")]
        assert await seats(s, "asha@acme.example", OTHER) == [(8, "owner")]
        changed = {"email": "asha@acme.example", "currentPassword": OTHER}
        assert (await password(s, **changed, password="yet another of mine")).status == 204
        assert await seats(s, "asha@acme.example", PASSWORD) == [(7, "owner")]
        reset = await on(s, "POST", 8, f"/{theirs['id']}/link")
        assert (await password(s, token=reset.json["token"], password=OTHER)).status == 204
        assert await seats(s, "asha@acme.example", PASSWORD) == [(7, "owner")]


async def test_one_password_in_two_orgs_is_one_account() -> None:
    async with service() as s:
        for org in (7, 8, 9):
            await s.add_org(org)
        users = []
        for org, word in ((8, PASSWORD), (7, PASSWORD), (9, OTHER)):
            user = await add(s, org, "asha@acme.example", "operator")
            token = user["invitation"]["token"]
            assert (await password(s, token=token, password=word)).status == 204
            users.append(user["id"])
        assert len(set(users)) == 3
        assert await seats(s, "asha@acme.example", PASSWORD) == [
            (7, "operator"),
            (8, "operator"),
        ]
        hashes = {person.password for person in (await s.store.load_people()).persons}
        assert len({str(element).split("$")[-2] for element in hashes}) == 1, "one check finds all"
        body = {"email": "asha@acme.example", "currentPassword": PASSWORD}
        assert (await password(s, **body, password="a new one for both")).status == 204
        assert await seats(s, "asha@acme.example", "a new one for both") == [
            (7, "operator"),
            (8, "operator"),
        ]
        assert await seats(s, "asha@acme.example", OTHER) == [(9, "operator")]
        reset = await on(s, "POST", 9, f"/{users[2]}/link")
        told = await password(s, token=reset.json["token"], password="a new one for both")
        assert told.status == 204
        joined = await seats(s, "asha@acme.example", "a new one for both")
        assert [org for org, _ in joined] == [7, 8, 9]


async def test_whoever_has_the_address_a_sign_in_and_an_invitation_cost_as_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted in checks of passwords, which are what takes time, and in writes to the store."""
    async with service() as s:
        checks, writes = Counted(monkeypatch), CountedWrites(monkeypatch, s)
        await s.add_org(7)
        await s.add_org(8)
        await active(s, 7, "asha@acme.example")
        # The first check of a process makes nobody's hash too, whoever it is for.
        assert not await signs_in(s, "first@acme.example")
        told = []
        for email in ("asha@acme.example", "nobody@acme.example"):
            checks.made = 0
            writes.made.clear()
            user = await add(s, 8, email)
            await password(s, token=user["invitation"]["token"], password=OTHER)
            told.append((checks.made, list(writes.made)))
        assert told[0] == told[1] and told[0][0] == 1, told
        for email in ("asha@acme.example", "nobody@acme.example", "new@acme.example"):
            checks.made = 0
            assert not await signs_in(s, email, "another word of theirs")
            assert checks.made == 1, email


async def test_who_was_invited_when_an_address_was_one_person_accepts_for_that_org_alone() -> None:
    async with service() as s:
        await s.add_org(7)
        await s.add_org(8)
        user = await active(s, 7, "asha@acme.example")
        await s.store.put_people(
            [], [port.Member(OrgId(8), user["id"], "Asha", "admin", 5, "boss")]
        )
        s.access_services.users.load(await s.store.load_people())
        link = (await on(s, "POST", 8, f"/{user['id']}/link")).json
        assert (await password(s, token=link["token"], password=OTHER)).status == 204
        assert await seats(s, "asha@acme.example", PASSWORD) == [(7, "reader")]
        assert await seats(s, "asha@acme.example", OTHER) == [(8, "admin")]
        s.access_services.users.load(await s.store.load_people())
        assert await seats(s, "asha@acme.example", OTHER) == [(8, "admin")]
        assert len((await on(s, "GET", 8, "")).json["users"]) == 1


async def test_the_platform_resets_a_password_and_all_sessions_end() -> None:
    async with service() as s:
        await s.add_org(7)
        user = await active(s, 7, "asha@acme.example")
        signed = await s.sessions.by_password("asha@acme.example", PASSWORD, "192.0.2.1")
        link = (await on(s, "POST", 7, f"/{user['id']}/link")).json
        assert link["purpose"] == "reset"
        assert s.sessions.caller(signed.token).org == 7
        assert (await password(s, token=link["token"], password=OTHER)).status == 204
        with pytest.raises(Exception, match="valid session"):
            s.sessions.caller(signed.token)
        assert await signs_in(s, "asha@acme.example", OTHER)
        assert not await signs_in(s, "asha@acme.example", PASSWORD)


async def test_a_person_changes_the_password_with_the_current_one() -> None:
    async with service() as s:
        await s.add_org(7)
        await active(s, 7, "asha@acme.example")
        signed = await s.sessions.by_password("asha@acme.example", PASSWORD, "192.0.2.1")
        body = {"email": "asha@acme.example", "password": OTHER}
        assert (await password(s, currentPassword=OTHER, **body)).status == 401
        assert (await password(s, currentPassword=PASSWORD, **body)).status == 204
        with pytest.raises(Exception, match="valid session"):
            s.sessions.caller(signed.token)
        assert await signs_in(s, "asha@acme.example", OTHER)


async def test_guessing_at_the_open_call_is_slowed_down() -> None:
    async with service() as s:
        body = {"email": "asha@acme.example", "currentPassword": "x", "password": PASSWORD}
        statuses = [(await password(s, **body)).status for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        slow = await password(s, **body)
        assert 1 <= int(slow.headers["retry-after"]) <= 90
        links = [(await password(s, token="x", password=PASSWORD)).status for _ in range(12)]
        assert links == [400] * 10 + [429] * 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": 5, "password": PASSWORD},
        {"token": "x" * 2000, "password": PASSWORD},
        {"email": "a@b.c", "password": PASSWORD},
        {"email": "a@b.c", "currentPassword": "x"},
        {"email": "a@b.c", "currentPassword": "x", "password": ["x"]},
        {"token": "\ud800", "password": "\ud800" * 20},
    ],
)
async def test_a_body_without_what_is_needed_is_refused(body: dict[str, Any]) -> None:
    async with service() as s:
        reply = await password(s, **body)
        assert reply.status == 400 and reply.json["error"]["code"] in (
            "bad_type",
            "bad_password",
            "bad_json",
        )


async def test_roles_are_given_within_what_the_giver_may_do() -> None:
    async with service() as s:
        await s.add_org(7)
        await s.access.put("few", "secret", ORG, platform=False, scopes="admin:write logs:read")
        few = basic("few", "secret")
        for role in ROLES:
            told = await on(s, "POST", 7, "", {"email": "a@b.example", "role": role}, few)
            assert (told.status, told.json["error"]["code"]) == (403, "role_exceeded")
        user = await add(s, 7, "a@b.example", "operator")
        for method, rest, body in (
            ("PATCH", "", {"disabled": True}),
            ("PATCH", "", {"role": "owner"}),
            ("POST", "/link", None),
            ("DELETE", "", None),
        ):
            told = await on(s, method, 7, f"/{user['id']}{rest}", body, few)
            assert (told.status, told.json["error"]["code"]) == (403, "role_exceeded")


async def test_an_admin_changes_no_owner_and_makes_none() -> None:
    async with service() as s:
        await s.add_org(7)
        owner = await active(s, 7, "owner@acme.example", "owner")
        await active(s, 7, "admin@acme.example", "admin")
        admins = await s.sessions.by_password("admin@acme.example", PASSWORD, "192.0.2.1")
        admin = s.sessions.caller(admins.token)
        assert admin.role == "admin" and admin.may("admin:write")
        for change in (
            s.users.change(admin, ORG, owner["id"], {"disabled": True}),
            s.users.remove(admin, ORG, owner["id"]),
            s.users.create(admin, ORG, {"email": "x@y.example", "role": "owner"}),
        ):
            with pytest.raises(Exception, match="ask an owner"):
                await change
        owners = await s.sessions.by_password("owner@acme.example", PASSWORD, "192.0.2.1")
        made, _ = await s.users.create(
            s.sessions.caller(owners.token), ORG, {"email": "x@y.example", "role": "owner"}
        )
        assert made.member.role == "owner"


async def test_disabling_and_removing_hold_for_open_sessions_at_once() -> None:
    async with service() as s:
        await s.add_org(7)
        await s.add_org(8)
        user = await active(s, 7, "asha@acme.example")
        eight = await add(s, 8, "asha@acme.example", "operator")
        await password(s, token=eight["invitation"]["token"], password=PASSWORD)
        signed = await s.sessions.by_password("asha@acme.example", PASSWORD, "192.0.2.1")
        assert s.sessions.caller(signed.token, ORG).role == "reader"
        changed = await on(s, "PATCH", 7, f"/{user['id']}", {"disabled": True})
        assert changed.json["status"] == "disabled"
        with pytest.raises(Exception, match="one that you are a user of"):
            s.sessions.caller(signed.token, ORG)
        assert s.sessions.caller(signed.token).org == 8
        await on(s, "PATCH", 8, f"/{eight['id']}", {"role": "reader"})
        assert not s.sessions.caller(signed.token, OrgId(8)).may("webhooks:write")
        assert (await on(s, "DELETE", 8, f"/{eight['id']}")).status == 204
        with pytest.raises(Exception, match="valid session"):
            s.sessions.caller(signed.token)
        assert not await signs_in(s, "asha@acme.example")
        assert (await on(s, "PATCH", 7, f"/{user['id']}", {"disabled": False})).status == 200
        assert s.sessions.caller(signed.token).org == 7
        await on(s, "DELETE", 7, f"/{user['id']}")
        assert not (await s.store.load_people()).persons
        assert not (await s.store.load_people()).sessions
        assert (await on(s, "GET", 7, f"/{user['id']}")).status == 404
        fresh = await add(s, 7, "asha@acme.example")
        assert fresh["id"] != user["id"]


async def test_who_leaves_one_org_stays_signed_in_to_the_others() -> None:
    async with service() as s:
        users = {}
        for org in (7, 8, 9):
            await s.add_org(org)
            user = await add(s, org, "asha@acme.example", "operator")
            token = user["invitation"]["token"]
            assert (await password(s, token=token, password=PASSWORD)).status == 204
            users[org] = user["id"]
        signed = await s.sessions.by_password("asha@acme.example", PASSWORD, "192.0.2.1")
        for org, left in ((7, 8), (8, 9)):
            assert (await on(s, "DELETE", org, f"/{users[org]}")).status == 204
            with pytest.raises(Exception, match="one that you are a user of"):
                s.sessions.caller(signed.token, OrgId(org))
            assert s.sessions.caller(signed.token).org == left
            assert len(s.sessions.list(signed.token)) == 1
        people = await s.store.load_people()
        s.access_services.users.load(people)
        s.sessions.load(people)
        assert s.sessions.caller(signed.token).org == 9, "also after a restart"
        assert (await on(s, "DELETE", 9, f"/{users[9]}")).status == 204
        with pytest.raises(Exception, match="valid session"):
            s.sessions.caller(signed.token)
        assert not (await s.store.load_people()).sessions


async def test_a_password_by_the_platform_needs_no_invitation() -> None:
    async with service() as s:
        await s.add_org(7)
        await s.add_org(8)
        body = {"email": "asha@acme.example", "role": "owner", "password": PASSWORD}
        made = await on(s, "POST", 7, "", body)
        assert made.json["status"] == "active" and made.json["invitation"] is None
        assert await signs_in(s, "asha@acme.example")
        told = await on(s, "POST", 8, "", body | {"password": OTHER})
        assert (told.status, told.json["error"]["code"]) == (409, "person_exists")
        told = await on(s, "POST", 7, "", {"email": "asha@acme.example"})
        assert (told.status, told.json["error"]["code"]) == (409, "user_exists")
        assert await signs_in(s, "asha@acme.example")


async def test_another_orgs_users_answer_like_ones_that_are_not_there() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        await s.add_org(8)
        theirs = await active(s, 8, "asha@acme.example")
        for org in (7, 8):
            for method, rest, body in (
                ("GET", "", None),
                ("PATCH", "", {"role": "owner"}),
                ("POST", "/link", None),
                ("DELETE", "", None),
            ):
                told = await on(s, method, org, f"/{theirs['id']}{rest}", body, auth)
                nobodys = await on(s, method, org, f"/usr_nobody{rest}", body, auth)
                assert told.status == nobodys.status == 404
        assert (await on(s, "GET", 8, "", None, auth)).status == 404
        assert (await on(s, "GET", 8, f"/{theirs['id']}")).json["role"] == "reader"


async def test_one_address_is_one_user_of_an_org_however_many_add_it_at_once() -> None:
    async with service() as s:
        await s.add_org(7)
        await s.add_org(8)
        replies = await asyncio.gather(
            *(on(s, "POST", org, "", {"email": "a@b.example"}) for org in (7, 8, 7, 8))
        )
        assert sorted(reply.status for reply in replies) == [201, 201, 409, 409]
        assert len((await s.store.load_people()).persons) == 2


async def test_everybody_is_there_again_after_a_restart() -> None:
    async with service() as s:
        await s.add_org(7)
        await active(s, 7, "asha@acme.example", "owner")
        signed = await s.sessions.by_password("asha@acme.example", PASSWORD, "192.0.2.1")
        again = Service(s.store, s.clock)
        await again.start()
        assert again.sessions.caller(signed.token).role == "owner"
        assert await signs_in(again, "asha@acme.example")

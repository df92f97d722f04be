"""What ends while a family moves is not in force afterwards, wherever it was asked for."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.app.cells.moving_cells import (
    FAMILY,
    ORG,
    OTHER,
    OwnerInTest,
    World,
    steps,
    two_real_cells,
)
from tidings.core.cells.families import FamilyState
from tidings.core.ids import OrgId
from tidings.store import port

ASHA, BOTH, BEN = "usr_asha", "usr_both", "usr_ben"  # of the family; of both; of the other one
KEY_ID = "key"
Ending = Callable[[port.Store], Awaitable[Any]]


def member(org: OrgId, person: str) -> port.Member:
    return port.Member(org, person, name="n", role="owner", created_ms=1, accepted_ms=1)


def session(
    digest: bytes, person: str = "", credential: str = "", portal: bytes = b""
) -> port.StoredSession:
    return port.StoredSession(digest, person, credential, b"proof", 1, seen_ms=1, portal=portal)


CREDENTIAL = port.StoredCredential(KEY_ID, ORG, platform=False, digest=b"d", scopes="*")
PERSON = port.StoredPerson(ASHA, "asha@acme.example", password="old", created_ms=1)
SESSIONS = [
    session(b"asha", ASHA),
    session(b"both", BOTH),
    session(b"key", credential=KEY_ID),
    session(b"portal", credential=KEY_ID, portal=b"{}"),
    session(b"ben", BEN),
]
# Each: how it is asked of the store; what of it would be in force.
ENDINGS: dict[str, Ending] = {
    "sign-out": lambda store: store.drop_sessions([b"asha"]),
    "sign-out of a credential": lambda store: store.drop_sessions([b"key"]),
    "portal": lambda store: store.drop_sessions([b"portal"]),
    "revoked": lambda store: store.put_credential(port.revise(CREDENTIAL, revoked_ms=5)),
    "new password": lambda store: store.put_people([port.revise(PERSON, password="new")]),
    "disabled": lambda store: store.put_people([], [port.revise(member(ORG, ASHA), disabled_ms=5)]),
    "removed": lambda store: store.drop_member(ORG, ASHA),
}


def in_force(owner: OwnerInTest) -> set[object]:
    """What opens the org by the rows of a store, as a start takes it up."""
    run = owner.store.half.connection.execute
    return {
        *(("session", *row) for row in run("SELECT digest FROM session").fetchall()),
        *(
            ("key", *row)
            for row in run("SELECT id FROM credential WHERE revoked_ms IS NULL").fetchall()
        ),
        *(("password", *row) for row in run("SELECT id, password FROM person").fetchall()),
        *(
            ("member", *row)
            for row in run("SELECT org, person FROM member WHERE disabled_ms IS NULL").fetchall()
        ),
    }


async def signed_in() -> tuple[World, OwnerInTest, OwnerInTest]:
    """Two cells; people of the family that moves, of the other one, and of both are signed in."""
    world, one, two = await two_real_cells()
    store = one.store
    await store.put_credential(CREDENTIAL)
    people = [PERSON, *(port.StoredPerson(name, name, "old", 1) for name in (BOTH, BEN))]
    seats = [(ORG, ASHA), (ORG, BOTH), (OrgId(OTHER), BOTH), (OrgId(OTHER), BEN)]
    await store.put_people(people, [member(org, person) for org, person in seats])
    for begun in SESSIONS:
        await store.put_session(begun)
    await one.start()
    return world, one, two


async def until(one: OwnerInTest, two: OwnerInTest, moment: str) -> None:
    """Go on with the move to this moment: nothing is begun before it where it is the first."""
    if moment == "before":
        return
    assert not (await one.begin()).refused
    if moment == "leaving":
        return
    departure = one.departures
    row = one.families.row_of(FAMILY)
    assert row is not None
    known = departure.of(row)
    while not (known.is_copied if moment == "copied" else known.done):
        row = one.families.row_of(FAMILY)
        assert row is not None and await departure._do_next(row, known)
    assert await one.state() is FamilyState.SEALED


@pytest.mark.parametrize("moment", ["before", "leaving", "copying", "copied"])
@pytest.mark.parametrize("kind", ENDINGS)
async def test_what_was_ended_before_the_switch_is_not_in_force_behind_it(
    kind: str, moment: str
) -> None:
    _, one, two = await signed_in()
    before = in_force(one)
    await until(one, two, moment)
    try:
        await ENDINGS[kind](one.store)
        is_ended = True
    except port.FamilyAway:
        is_ended = False  # whoever asks for it is answered 503, and asks again
    assert is_ended is (in_force(one) != before)
    assert is_ended or moment != "before"
    if moment == "before":
        assert not (await one.begin()).refused
    await steps(one, two)
    assert await two.state() is FamilyState.HERE
    if not is_ended:
        await ENDINGS[kind](two.store)  # it is asked for again, and the org is here now
    ended = before - in_force(one) - in_force(two)
    assert ended, "what it was that has ended"
    assert in_force(two).isdisjoint(ended)


@pytest.mark.parametrize("moment", ["copying", "copied"])
async def test_nobody_signs_in_to_what_is_copied_and_others_come_and_go(moment: str) -> None:
    _, one, two = await signed_in()
    await until(one, two, moment)
    for begun in (session(b"new", ASHA), session(b"new", BOTH), session(b"new", "", KEY_ID)):
        with pytest.raises(port.FamilyAway):
            await one.store.put_session(begun)
    with pytest.raises(port.FamilyAway):
        await one.store.drop_sessions([b"both"])
    await one.store.put_session(session(b"new", BEN))
    await one.store.drop_sessions([b"ben", b"unknown"])
    await one.store.put_people([port.StoredPerson(BEN, BEN, "new", 1, revision=2)])
    await steps(one, two)
    assert ("session", b"new") in in_force(one) and ("session", b"ben") not in in_force(one)
    await one.store.drop_sessions([b"both"])  # it stays, and ends where it is


async def test_a_sign_out_that_the_store_refused_has_its_effect_with_the_switch() -> None:
    _, one, two = await signed_in()
    await until(one, two, "copied")
    one.ended_sessions = [b"asha"]  # out of force, and in the store still
    await steps(one, two)
    assert await two.state() is FamilyState.HERE
    found = in_force(two)
    assert ("session", b"asha") not in found and ("session", b"key") in found

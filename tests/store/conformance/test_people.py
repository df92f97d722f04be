"""Conformance: people, memberships, sessions, links and last uses come back as they went in."""

from typing import Any

import msgspec
import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG
from tidings.core.ids import OrgId
from tidings.store import port

ASHA = port.StoredPerson("usr_a", "asha@acme.example", "$argon2id$…", 5)
BEN = port.StoredPerson("usr_b", "ben@acme.example", None, 6)


def people(subject: Subject) -> port.People:
    return subject.ask(lambda store: store.load_people())


def member(person: port.StoredPerson, org: int = ORG, **more: object) -> port.Member:
    fields = {"name": "A", "role": "owner", "created_ms": 7, "created_by": "boss"} | more
    return port.Member(org, person.id, **fields)  # type: ignore[arg-type]


def session(
    name: str, person: str = "usr_a", seen_ms: int = 10, created_ms: int = 10
) -> port.StoredSession:
    return port.StoredSession(
        name.encode() * 8, person, "", b"proof", created_ms, seen_ms, "127.0.0.1", "Firefox"
    )


def put(
    subject: Subject, *rows: port.StoredPerson | port.Member | port.StoredSession | port.OneTimeLink
) -> None:
    async def all_of_them(store: port.Store) -> None:
        for row in rows:
            if isinstance(row, port.StoredPerson):
                await store.put_people([row])
            elif isinstance(row, port.Member):
                await store.put_people([], [row])
            elif isinstance(row, port.StoredSession):
                await store.put_session(row)
            else:
                await store.put_link(row)

    subject.ask(all_of_them)


def test_everybody_comes_back_after_a_crash(subject: Subject) -> None:
    put(subject, ASHA, BEN, member(ASHA), member(BEN, accepted_ms=8), session("s"))
    subject.crash()
    found = people(subject)
    assert list(found.persons) == [ASHA, BEN]
    assert list(found.members) == [member(ASHA), member(BEN, accepted_ms=8)]
    assert list(found.sessions) == [session("s")]


def test_a_person_is_replaced_and_keeps_the_creation(subject: Subject) -> None:
    fresh = port.StoredPerson("usr_a", ASHA.email, "new", 99, revision=2)
    put(subject, ASHA, fresh)
    assert list(people(subject).persons) == [msgspec.structs.replace(fresh, created_ms=5)]


def test_an_address_may_be_several_persons(subject: Subject) -> None:
    other = port.StoredPerson("usr_c", ASHA.email, None, 6)
    put(subject, ASHA, other)
    assert list(people(subject).persons) == [ASHA, other]


def test_a_membership_is_replaced_and_keeps_who_made_it(subject: Subject) -> None:
    put(subject, ASHA, member(ASHA))
    changed: dict[str, Any] = {"role": "reader", "disabled_ms": 3, "revision": 2}
    put(subject, member(ASHA, created_by="mallory", created_ms=99, **changed))
    assert list(people(subject).members) == [member(ASHA, **changed)]


def test_who_is_in_no_org_any_more_is_forgotten_with_everything(subject: Subject) -> None:
    link = port.OneTimeLink(b"l" * 32, "invite", "usr_a", ORG, "", 1 << 50)
    put(subject, ASHA, member(ASHA), member(ASHA, ORG + 1), session("s"), session("o", "usr_b"))
    put(subject, link)
    assert subject.ask(lambda store: store.drop_member(OrgId(ORG + 1), "usr_a")) is False
    assert list(people(subject).persons) == [ASHA]
    assert subject.ask(lambda store: store.drop_member(ORG, "usr_a")) is True
    found = people(subject)
    assert not found.persons and not found.members
    assert list(found.sessions) == [session("o", "usr_b")]
    assert subject.ask(lambda store: store.take_link(link.digest)) is None


def test_a_link_is_handed_out_once(subject: Subject) -> None:
    link = port.OneTimeLink(b"l" * 32, "sign_in", "", OrgId(0), "boss", 100)
    put(subject, link)
    assert subject.ask(lambda store: store.take_link(b"x" * 32)) is None
    assert subject.ask(lambda store: store.take_link(link.digest)) == link
    assert subject.ask(lambda store: store.take_link(link.digest)) is None


def test_a_newer_link_ends_the_older_one_of_its_purpose(subject: Subject) -> None:
    first = port.OneTimeLink(b"1" * 32, "invite", "usr_a", ORG, "", 100)
    put(subject, first, port.OneTimeLink(b"2" * 32, "reset", "usr_a", ORG, "", 100))
    put(subject, port.OneTimeLink(b"3" * 32, "invite", "usr_a", ORG, "", 100))

    async def take_all(store: port.Store) -> list[bool]:
        digests = (digit * 32 for digit in (b"1", b"2", b"3"))
        return [await store.take_link(digest) is not None for digest in digests]

    assert subject.ask(take_all) == [False, True, True]


def test_last_uses_only_go_forward_and_a_change_does_not_undo_them(subject: Subject) -> None:
    credential = port.StoredCredential("key", ORG, False, b"d", "*", 5)
    subject.ask(lambda store: store.put_credential(credential))
    put(subject, session("s"))

    async def use(store: port.Store) -> None:
        for at_ms in (50, 40):
            uses = [port.CredentialUse("key", at_ms), port.CredentialUse("nobody", at_ms)]
            await store.note_uses(uses, [port.SessionUse(session("s").digest, at_ms)])

    subject.ask(use)
    subject.ask(lambda store: store.put_credential(port.revise(credential)))
    put(subject, session("s", "usr_b"))
    [kept] = subject.load().credentials
    assert kept.used_ms == 50
    assert [(known.person, known.seen_ms) for known in people(subject).sessions] == [("usr_b", 50)]


def test_a_credential_comes_back_with_all_its_fields(subject: Subject) -> None:
    full = port.StoredCredential(
        "till.01", ORG, False, b"d" * 32, "events:write", 5, None, "till", "Front desk", 99,
        b"p" * 32, 50, 100.0, 2.5, "boss", 7,
    )  # fmt: skip
    subject.ask(lambda store: store.put_credential(full))
    subject.reopen()
    assert list(subject.load().credentials) == [full]


def test_what_has_expired_is_dropped(subject: Subject) -> None:
    put(
        subject,
        session("idle", seen_ms=10, created_ms=90),
        session("old", seen_ms=100, created_ms=5),
        session("good", seen_ms=100, created_ms=90),
        port.OneTimeLink(b"l" * 32, "invite", "usr_a", ORG, "", 60),
        port.OneTimeLink(b"m" * 32, "invite", "usr_b", ORG, "", 160),
    )
    assert subject.ask(lambda store: store.drop_expired(50, 20, 100)) == 3
    assert subject.ask(lambda store: store.drop_expired(50, 20, 100)) == 0
    assert list(people(subject).sessions) == [session("good", seen_ms=100, created_ms=90)]
    assert subject.ask(lambda store: store.take_link(b"m" * 32)) is not None


def test_sessions_end(subject: Subject) -> None:
    put(subject, session("a"), session("b"))
    subject.ask(lambda store: store.drop_sessions([session("a").digest, b"unknown"]))
    assert list(people(subject).sessions) == [session("b")]


def test_a_place_is_taken_over_whole_with_its_link(subject: Subject) -> None:
    put(
        subject,
        ASHA,
        member(ASHA),
        session("s"),
        port.OneTimeLink(b"l" * 32, "invite", "usr_a", ORG, "", 60),
    )
    own = port.StoredPerson("usr_c", ASHA.email, "own", 6)
    seat = member(own, revision=2)
    link = port.OneTimeLink(b"m" * 32, "invite", "usr_c", ORG, "", 60)
    for stale in (member(own), member(own, revision=3)):
        with pytest.raises(port.StaleChange):
            subject.ask(lambda store: store.put_people([own], [stale], link, ASHA.id))  # noqa: B023
    subject.ask(lambda store: store.put_people([own], [seat], link, ASHA.id))
    subject.crash()
    found = people(subject)
    assert (list(found.persons), list(found.members)) == ([own], [seat])
    assert not found.sessions and subject.ask(lambda store: store.take_link(b"l" * 32)) is None
    assert subject.ask(lambda store: store.take_link(b"m" * 32)) == link

"""Saved views are their owner's alone, in the org that they are of, and go with their owner."""

import msgspec
import pytest

from tests.store.conformance.subject import Subject
from tidings.core.ids import OrgId
from tidings.store import port

ORG, OTHER = OrgId(7), OrgId(8)
VIEW = port.StoredView(ORG, "usr_a", "viw_a", list="webhooks", name="Mine", query="state=failing")


def put(subject: Subject, *views: port.StoredView) -> None:
    async def put_all(store: port.Store) -> None:
        for view in views:
            await store.put_saved_view(view)

    subject.ask(put_all)


def names(subject: Subject, org: OrgId, owner: str) -> list[str]:
    views = subject.ask(lambda store: store.saved_views(org, owner))
    return [view.name for view in views]


def test_views_outlive_the_process_and_only_their_name_changes(subject: Subject) -> None:
    first = subject.ask(lambda store: store.put_saved_view(VIEW))
    assert first.created_ms > 0
    subject.ask(
        lambda store: store.put_saved_view(port.revise(first, name="<b>Yours", query="q=b"))
    )
    subject.crash()
    [kept] = subject.ask(lambda store: store.saved_views(ORG, "usr_a"))
    assert kept == msgspec.structs.replace(first, name="<b>Yours", revision=2)
    assert subject.ask(lambda store: store.drop_saved_view(ORG, "usr_a", "viw_a")) == kept
    assert subject.ask(lambda store: store.drop_saved_view(ORG, "usr_a", "viw_a")) is None
    assert names(subject, ORG, "usr_a") == []


def test_views_are_found_by_name_and_only_by_their_owner_in_their_org(subject: Subject) -> None:
    again = msgspec.structs.replace(VIEW, id="viw_b", name="Again")
    others = msgspec.structs.replace(VIEW, owner="usr_b", name="Not yours")
    elsewhere = msgspec.structs.replace(VIEW, org=OTHER, name="Elsewhere")
    put(subject, VIEW, again, others, elsewhere)
    assert names(subject, ORG, "usr_a") == ["Again", "Mine"]
    assert names(subject, ORG, "usr_b") == ["Not yours"]
    assert names(subject, OTHER, "usr_a") == ["Elsewhere"]
    subject.ask(lambda store: store.drop_saved_view(ORG, "usr_b", "viw_b"))
    assert names(subject, ORG, "usr_a") == ["Again", "Mine"], "that id is another owner's"


def test_views_go_with_the_membership_and_all_of_them_with_the_person(subject: Subject) -> None:
    persons = [port.StoredPerson(id, f"{id}@acme.example") for id in ("usr_a", "usr_b")]
    members = [
        port.Member(org, person.id, "A", role="reader")
        for org in (ORG, OTHER)
        for person in persons
    ]
    subject.ask(lambda store: store.put_people(persons, members))
    elsewhere = msgspec.structs.replace(VIEW, org=OTHER)
    unseen = msgspec.structs.replace(VIEW, org=OrgId(9))  # looked at with the platform's rights
    put(subject, VIEW, elsewhere, unseen, msgspec.structs.replace(VIEW, owner="usr_b"))
    assert subject.ask(lambda store: store.drop_member(ORG, "usr_a")) is False
    assert names(subject, ORG, "usr_a") == []
    assert names(subject, OTHER, "usr_a") == ["Mine"]
    assert subject.ask(lambda store: store.drop_member(OTHER, "usr_a")) is True
    assert names(subject, OTHER, "usr_a") == names(subject, OrgId(9), "usr_a") == []
    assert names(subject, ORG, "usr_b") == ["Mine"]


@pytest.mark.parametrize(("revoked_ms", "left"), [(None, ["Mine"]), (1000, [])])
def test_views_go_with_the_credential_that_is_revoked(
    subject: Subject, revoked_ms: int | None, left: list[str]
) -> None:
    key = port.StoredCredential("key", ORG, False, digest=b"d", scopes="*")
    subject.ask(lambda store: store.put_credential(key))
    put(subject, msgspec.structs.replace(VIEW, owner="key"))
    changed = port.revise(key, name="till", revoked_ms=revoked_ms)
    subject.ask(lambda store: store.put_credential(changed))
    assert names(subject, ORG, "key") == left

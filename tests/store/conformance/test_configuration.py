"""Conformance: orgs, credentials and webhooks come back as they went in."""

import msgspec
import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, new, settled, webhook
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId, WebhookId
from tidings.store import port


def test_a_new_store_has_no_configuration(subject: Subject) -> None:
    snapshot = subject.load()
    assert not (snapshot.orgs or snapshot.credentials or snapshot.webhooks)


def test_an_org_comes_back_and_raises_the_registry_version(subject: Subject) -> None:
    before = subject.load().registry_version
    parent = port.StoredOrg(OrgId(1), "chain", None, "Asia/Kolkata", b'{"a":1}', 5)
    child = port.StoredOrg(OrgId(2), "brand", OrgId(1), created_ms=6)
    assert subject.ask(lambda store: store.put_org(parent)) == before + 1
    assert subject.ask(lambda store: store.put_org(child)) == before + 2
    assert list(subject.load().orgs) == [parent, child]
    assert subject.load().registry_version == before + 2


def test_an_org_is_replaced_and_keeps_its_creation(subject: Subject) -> None:
    subject.ask(lambda store: store.put_org(port.StoredOrg(OrgId(1), "old", created_ms=5)))
    fresh = port.StoredOrg(OrgId(1), "new", OrgId(7), "UTC", b"{}", 99, revision=2)
    subject.ask(lambda store: store.put_org(fresh))
    assert list(subject.load().orgs) == [msgspec.structs.replace(fresh, created_ms=5)]


def test_a_time_of_creation_is_given_by_the_store_where_there_is_none(subject: Subject) -> None:
    now = subject.commit().now_ms
    subject.ask(lambda store: store.put_org(port.StoredOrg(OrgId(1), "a")))
    [org] = subject.load().orgs
    assert org.created_ms >= now


def test_a_credential_comes_back_and_is_replaced(subject: Subject) -> None:
    first = port.StoredCredential("key", ORG, False, bytes(range(32)), "events", 5)
    revoked = port.StoredCredential("key", ORG, True, b"\x00", "events webhooks", 5, 6, revision=2)

    def put(one: port.StoredCredential) -> None:
        subject.ask(lambda store: store.put_credential(one))

    for credential in (first, revoked):
        put(credential)
        assert list(subject.load().credentials) == [credential]


def test_webhooks_get_numbers_and_come_back_after_reopening(subject: Subject) -> None:
    before = subject.load().registry_version
    numbers = [subject.put_webhook(name) for name in ("till", "app")]
    assert len(set(numbers)) == 2 and all(numbers)
    subject.reopen()
    snapshot = subject.load()
    assert snapshot.registry_version == before + 2
    assert [webhook.number for webhook in snapshot.webhooks] == sorted(numbers)
    kept = {webhook.name: webhook for webhook in snapshot.webhooks}["till"]
    asked = webhook("till")
    assert (kept.id, kept.consumer_group, kept.org) == (asked.id, asked.consumer_group, ORG)
    assert (kept.version, kept.status, kept.config) == (1, "active", b"sealed till")
    assert kept.created_ms > 0 and kept.updated_ms > 0


def test_the_newest_version_of_a_webhook_is_in_force(subject: Subject) -> None:
    number = subject.put_webhook()
    [first] = subject.load().webhooks
    subject.put_webhook(number=number, version=2, status="paused")
    [kept] = subject.load().webhooks
    assert (kept.number, kept.version, kept.status) == (number, 2, "paused")
    assert kept.created_ms == first.created_ms


def test_a_version_is_written_once(subject: Subject) -> None:
    number = subject.put_webhook()
    version = subject.load().registry_version
    with pytest.raises(port.StaleChange):
        subject.put_webhook(number=number, version=1, status="deleted")
    assert subject.load().registry_version == version
    assert [webhook.status for webhook in subject.load().webhooks] == ["active"]


def test_a_name_is_taken_once_in_an_org(subject: Subject) -> None:
    subject.put_webhook("till")
    version = subject.load().registry_version
    taken = port.StoredWebhook(0, WebhookId("f" * 24), "g", ORG, 1, "till", "active", b"")
    with pytest.raises(port.NameTaken):
        subject.ask(lambda store: store.put_webhook(taken))
    assert subject.load().registry_version == version
    assert subject.put_webhook("till", org=ORG + 1)
    assert subject.put_webhook("Till")


def test_the_name_of_a_deleted_webhook_is_free_again(subject: Subject) -> None:
    number = subject.put_webhook("till")
    subject.put_webhook("till", number=number, version=2, status="deleted")
    again = port.StoredWebhook(0, WebhookId("f" * 24), "g", ORG, 1, "till", "active", b"")
    stored, _ = subject.ask(lambda store: store.put_webhook(again))
    assert stored.number != number


def test_a_refused_configuration_leaves_the_store_writable(subject: Subject) -> None:
    subject.put_webhook("till")
    twin = port.StoredWebhook(0, webhook("till").id, "g", ORG, 1, "other", "active", b"")
    with pytest.raises(port.StaleChange):
        subject.ask(lambda store: store.put_webhook(twin))
    assert subject.commit().now_ms
    assert subject.put_webhook("other")


def test_what_an_outcome_decides_of_a_webhook_is_written_with_it(subject: Subject) -> None:
    number = subject.put_webhook()
    first, second = subject.commit(event("a", new(number)), event("b", new(number))).firsts
    gone = msgspec.structs.replace(settled(first, State.FAILED, status=410), disable="It is gone.")
    subject.commit(settled=[gone])
    assert subject.load().disablings == [port.Disabling(number, 1, "It is gone.")]
    put = webhook("till", number=number, version=2, status="disabled")
    subject.ask(lambda store: store.put_webhook(put))
    assert subject.load().disablings == [port.Disabling(number, 2)], "its owner is to be told"
    assert subject.retire(State.PARKED) == 1 and subject.states(second) == [State.PARKED]
    assert subject.load().disablings == [port.Disabling(number, 2, "", 1)]
    subject.ask(lambda store: store.drop_disabling(number, 1))
    assert len(subject.load().disablings) == 1
    subject.ask(lambda store: store.drop_disabling(number, 2))
    assert subject.load().disablings == []


def test_of_a_deleted_webhook_nothing_is_owed(subject: Subject) -> None:
    number = subject.put_webhook()
    [one] = subject.commit(event("a", new(number))).firsts
    gone = msgspec.structs.replace(settled(one, State.FAILED, status=410), disable="It is gone.")
    subject.commit(settled=[gone])
    assert len(subject.load().disablings) == 1
    put = webhook("till", number=number, version=2, status="deleted")
    subject.ask(lambda store: store.put_webhook(put))
    assert subject.load().disablings == []


def test_by_what_the_key_is_known_is_kept_once_and_for_all(subject: Subject) -> None:
    assert subject.ask(lambda store: store.key_check()) is None
    largest = 2**63 - 1
    subject.ask(lambda store: store.put_key_check(largest))
    subject.ask(lambda store: store.put_key_check(5))
    subject.reopen()
    assert subject.ask(lambda store: store.key_check()) == largest


def test_a_store_that_is_no_copy_keeps_no_keys(subject: Subject) -> None:
    assert subject.ask(lambda store: store.kept_keys()) == []

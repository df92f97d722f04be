"""The audit log in each adapter: an entry and its change are there, or neither."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.store.conformance.audited import KEY, ORG, change, entries, put
from tests.store.conformance.subject import Subject
from tidings.core.audit.actor import SERVICE
from tidings.core.audit.audit_actions import INBOX_CREATED
from tidings.core.audit.chain import check_chain
from tidings.core.audit.entries import AuditDraft, draft
from tidings.core.ids import DeliveryId, OrgId, WebhookId, show
from tidings.core.shaping.reference_rules import KINDS
from tidings.store import port


def page(subject: Subject, **query: Any) -> port.AuditPage:
    return subject.ask(lambda store: store.audit_page(port.AuditQuery(7, **query)))


def test_entries_outlive_a_crash_with_their_changes_and_make_one_chain(subject: Subject) -> None:
    put(subject, "one")
    put(subject, "two")
    subject.crash()
    put(subject, "three")
    known = entries(subject)
    assert [kept.number for kept in known] == [1, 2, 3]
    assert list(check_chain(KEY, known)) == []
    [org] = subject.ask(lambda store: store.load()).orgs
    assert org.name == "three"


def test_each_org_has_a_chain_of_its_own(subject: Subject) -> None:
    put(subject, "both", change(), change(org=0), change())
    assert [kept.number for kept in entries(subject)] == [1, 2]
    assert [kept.number for kept in entries(subject, 0)] == [1]
    heads = subject.ask(lambda store: store.audit_heads())
    assert [(head.chain, head.number) for head in heads] == [(0, 1), (7, 2)]


def test_what_a_write_makes_gives_its_number_to_the_entry(subject: Subject) -> None:
    async def asked(store: port.Store) -> port.Inbox:
        made = draft(7, SERVICE, INBOX_CREATED, None, None, {"name": "shop"})
        with port.recorded(port.AuditWrite(KEY, (made,))):
            return await store.put_inbox(port.Inbox(0, OrgId(7), "t1", "shop", b"{}"))

    inbox = subject.ask(asked)
    assert [kept.object for kept in entries(subject)] == [show("inb", inbox.number)]


def test_a_change_that_is_refused_leaves_no_entry(subject: Subject) -> None:
    async def asked(store: port.Store) -> None:
        hook = port.StoredWebhook(0, WebhookId("a"), "g1", OrgId(7), 1, "n", "active", b"")
        await store.put_webhook(hook)
        with pytest.raises(port.NameTaken), port.recorded(port.AuditWrite(KEY, (change(),))):
            await store.put_webhook(msgspec.structs.replace(hook, id="b", consumer_group="g2"))

    subject.ask(asked)
    assert entries(subject) == []


def test_a_change_whose_entry_cannot_be_written_is_not_made(subject: Subject) -> None:
    version = put(subject, "before")
    broken = msgspec.structs.replace(change(), action=None)
    with pytest.raises(Exception):  # noqa: B017  # of whatever kind: nothing is done
        put(subject, "after", broken)
    snapshot = subject.ask(lambda store: store.load())
    assert snapshot.orgs[0].name == "before" and snapshot.registry_version == version
    assert len(entries(subject)) == 1
    assert not subject.commit(version=version).moved, "and commits go on"


def test_a_batch_writes_its_entries_with_what_it_does(subject: Subject) -> None:
    subject.commit(audits=[port.AuditWrite(KEY, (change(),))])
    subject.crash()
    assert len(entries(subject)) == 1


def test_entries_go_along_with_one_write_alone(subject: Subject) -> None:
    async def asked(store: port.Store) -> None:
        with port.recorded(port.AuditWrite(KEY, (change(),))):
            await store.put_org(ORG)
            await store.put_org(port.revise(ORG))

    subject.ask(asked)
    assert len(entries(subject)) == 1


def test_who_records_and_does_not_write_is_told(subject: Subject) -> None:
    with pytest.raises(AssertionError), port.recorded(port.AuditWrite(KEY, (change(),))):
        asyncio.run(asyncio.sleep(0))


def test_an_entry_that_asks_for_it_is_left_out_where_nothing_was_changed(subject: Subject) -> None:
    async def asked(store: port.Store) -> None:
        with port.recorded(port.AuditWrite(KEY, (change(),), if_changed=True)):
            assert await store.move_replay(1, ["running"], "paused", "") is None
        with port.recorded(port.AuditWrite(KEY, (change(),), if_changed=True)):
            assert (await store.retry_now(DeliveryId(1))).outcome == "unknown"
        with port.recorded(port.AuditWrite(KEY, (change(),), if_changed=True)):
            assert not (await store.delete_reference(OrgId(7), KINDS["stores"], ["1"])).changed
        with port.recorded(port.AuditWrite(KEY, (change(),), if_changed=True)):
            await store.put_org(ORG)

    subject.ask(asked)
    assert len(entries(subject)) == 1


def test_entries_wait_for_the_next_write_where_theirs_has_failed(subject: Subject) -> None:
    async def asked(store: port.Store) -> None:
        loop = asyncio.get_running_loop()
        with port.recorded(port.AuditWrite(KEY, (change(),))):
            refused: asyncio.Future[None] = loop.create_future()
            assert port.take_audit(refused) is not None and port.take_audit() is None
            loop.call_soon(refused.set_exception, port.NotKept("of one event"))
            with pytest.raises(port.NotKept):
                await refused
            await store.put_org(ORG)

    subject.ask(asked)
    assert len(entries(subject)) == 1


def test_pages_go_both_ways_and_find_by_what_is_asked(subject: Subject) -> None:
    for number in range(7):
        put(subject, f"n{number}", change(org=7) if number else change(times=2))
    first = page(subject, limit=3)
    assert [kept.number for kept in first.entries] == [7, 6, 5] and first.newer is None
    second = page(subject, limit=3, before=first.older)
    assert [kept.number for kept in second.entries] == [4, 3, 2]
    back = page(subject, limit=3, after=second.newer)
    assert [kept.number for kept in back.entries] == [7, 6, 5]
    last = page(subject, limit=3, before=second.older)
    assert [kept.number for kept in last.entries] == [1] and last.older is None
    assert len(page(subject, object_kind="org", object="7", action="org.changed").entries) == 7
    assert not page(subject, actor="nobody").entries
    assert not page(subject, until_ms=1).entries and len(page(subject, since_ms=1).entries) == 7


def stored(subject: Subject, *drafts: AuditDraft) -> None:
    async def asked(store: port.Store) -> None:
        await store.append_audit(port.AuditWrite(KEY, drafts))

    subject.ask(asked)


def test_a_thing_is_found_by_its_id_alone_and_an_action_by_the_kind_of_its_object(
    subject: Subject,
) -> None:
    inbox = draft(7, SERVICE, INBOX_CREATED, "3", None, {"name": "shop"})
    stored(subject, change(), inbox, change())
    assert [entry.number for entry in page(subject, object=show("inb", 3)).entries] == [2]
    assert [entry.number for entry in page(subject, action="org").entries] == [3, 1]
    assert [entry.number for entry in page(subject, action="inbox.created").entries] == [2]
    assert [entry.number for entry in page(subject, object_kind="inbox").entries] == [2]
    assert not page(subject, object=show("inb", 3), object_kind="org").entries


def test_a_page_is_bounded_in_bytes_and_leads_on(subject: Subject) -> None:
    long = {f"field{number}": "x" * 2000 for number in range(8)}
    stored(subject, *[draft(7, SERVICE, INBOX_CREATED, str(n), None, long) for n in range(300)])
    numbers: list[int] = []
    before = None
    while True:
        found = page(subject, limit=1000, before=before)
        assert found.entries
        numbers += [entry.number for entry in found.entries]
        if found.older is None:
            break
        before = found.older
    assert numbers == list(range(300, 0, -1)) and before is not None, "it took several pages"


@pytest.mark.parametrize("at", [0, 2**63 - 1])
def test_a_cursor_beyond_all_entries_finds_nothing(subject: Subject, at: int) -> None:
    stored(subject, change())
    for found in (page(subject, before=at), page(subject, after=at)):
        assert [entry.number for entry in found.entries] in ([], [1])

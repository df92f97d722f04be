"""Conformance: every write of the port that is for an org, while its family is not here.

Each method of the port that is no question is in one of the tables: those that begin something,
those that end what has begun (they go on while the family is leaving, up to the seal), those that
go through the rows of all orgs, and those that are for no org or say their families themselves.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from tests.store.conformance.audited import KEY, change
from tests.store.conformance.changes.stored_objects import COMPARED, NOT_COMPARED
from tests.store.conformance.families.steps import (
    BEGIN,
    FAMILY,
    OTHER,
    SEAL,
    SWITCHED,
    UNDONE,
    leave,
    put_org,
)
from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, failing, new, webhook
from tidings.core.cells.families import FamilyMove
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.incidents.incident import Incident
from tidings.core.orgs.retention import RowKind
from tidings.core.replay import JobState
from tidings.store import port

Write = Callable[[port.Store], Awaitable[Any]]
DELIVERY = DeliveryId(1)
_CALL = port.KeyedCall(b"place", ORG, b"body")
_MEMBER = COMPARED["put_people member"].first
_ARRIVAL = port.Arrival(0, 1, 1, "POST", [], b"{}", 2, "valid", reason="", status=200)
_DROPPING = port.DropSlice(RowKind.METADATA, 30, 1, (), True, rows_max=10, first=True, now_ms=1)


def _put(name: str) -> Write:
    """A write of the tables that stand for all that is put."""
    if name in NOT_COMPARED:
        return NOT_COMPARED[name][1]
    kept = COMPARED[name]
    return lambda store: kept.put(store, kept.first)


_PUT_BEGINS = (
    "put_org put_credential put_webhook put_type put_transformation put_source put_inbox put_stop"
    " put_link put_reference put_replay put_email put_table_owner"
    " put_alert_channel put_saved_view"
).split()
BEGINS: dict[str, Write] = {
    **{name: _put(name) for name in _PUT_BEGINS},
    "put_people": lambda store: store.put_people([], [_MEMBER]),
    "delete_type": lambda store: store.delete_type(ORG, "a"),
    "delete_reference": lambda store: store.delete_reference(ORG, 1, ["1"]),
    "drop_stop": lambda store: store.drop_stop(ORG),
    "drop_alert_channel": lambda store: store.drop_alert_channel("alc_a"),
    "drop_inbox": lambda store: store.drop_inbox(1),
    "drop_source": lambda store: store.drop_source(1),
    "drop_rejection": lambda store: store.drop_rejection(ORG, 1),
    "drop_member": lambda store: store.drop_member(ORG, "usr_a"),
    "drop_saved_view": lambda store: store.drop_saved_view(ORG, "usr_a", "view_a"),
    "take_link": lambda store: store.take_link(b"l" * 32),
    "begin_call": lambda store: store.begin_call(_CALL),
    "take_caps": lambda store: store.take_caps([port.CapUse(1, b"s", DELIVERY, 1, 1000)]),
    "retry_now": lambda store: store.retry_now(DELIVERY),
    "wake": lambda store: store.wake(DELIVERY),
    "wake_oldest": lambda store: store.wake_oldest(1),
    "wake_retries": lambda store: store.wake_retries(1, 1, (1, 0), 10),
    "release": lambda store: store.release(1, [DELIVERY]),
    "retire": lambda store: store.retire(1, State.CANCELLED, 10),
    "park_expired": lambda store: store.park_expired(1, 1, 10),
    "move_replay": lambda store: store.move_replay(1, [JobState.COUNTING], JobState.RUNNING, ""),
    "note_counted": lambda store: store.note_counted(1, EventNumber(1), 1, True),
    "use_inbox": lambda store: store.use_inbox(1, 1),
    "drop_conflicts": lambda store: store.drop_conflicts(1, 1),
    "drop_dead_letters": lambda store: store.drop_dead_letters(1, [1]),
}
ENDS: dict[str, Write] = {
    "add_arrivals": lambda store: store.add_arrivals([_ARRIVAL]),
    "put_topic_places": _put("put_topic_places"),
    "put_dead_letters": _put("put_dead_letters"),
    "drop_table_owner": lambda store: store.drop_table_owner(1),
    "end_call": lambda store: store.end_call(b"place", b"{}"),
    "drop_disabling": lambda store: store.drop_disabling(1, 1),
    "tally_replay": lambda store: store.tally_replay(1, 0, 10),
    "close_replay": lambda store: store.close_replay(1),
    "append_audit": lambda store: store.append_audit(port.AuditWrite(KEY, [change(org=ORG)])),
    "shorten_audit": lambda store: store.shorten_audit(KEY, change(org=ORG), 1),
}
# Of several orgs at once: what is of one that is not here is left out.
IN_PARTS: dict[str, Write] = {
    "put_healths": _put("put_healths"),
    "put_incidents": _put("put_incidents"),
    "put_activity": _put("put_activity"),
    "put_alert_marks": _put("put_alert_marks"),
    "drop_alert_marks": lambda store: store.drop_alert_marks(
        [port.StoredAlertMark("alc_a", "inc_a", ORG)]
    ),
    "drop_emails": lambda store: store.drop_emails(["e"]),
}
OF_ALL: dict[str, Write] = {
    "drop": lambda store: store.drop(_DROPPING),
    "drop_expired": lambda store: store.drop_expired(1, 1, 1),
    "note_uses": lambda store: store.note_uses([port.CredentialUse("key", 1)], []),
}
OF_NONE = frozenset(
    (
        "commit move_family close put_key_check put_anchor shorten_anchors note_restore"
        " put_list_piece put_kept_list forget_lists drop_list_pieces put_session drop_sessions"
        " recover begin_range end_endless_range drop_family_rows note_epoch"
    ).split()
)
_WRITING = (
    "put_ drop add_ append_ begin_ close delete_ end_ forget_ move_ note_ park_ recover release"
    " retire retry_ shorten_ take_ tally_ use_ wake commit"
).split()


def test_each_write_is_in_one_of_the_tables() -> None:
    named = [*BEGINS, *ENDS, *IN_PARTS, *OF_ALL, *OF_NONE]
    assert len(named) == len({*named})
    writes = {name for name in dir(port.Store) if name.startswith(tuple(_WRITING))}
    assert {*named} == writes


def fill(subject: Subject) -> None:
    """An org with one of everything, and another org."""
    put_org(subject, ORG)
    put_org(subject, OTHER)
    subject.put_webhook("till")
    subject.commit(event("a", new(1)))
    subject.commit(settled=[failing(DELIVERY, 1000)])
    made = "put_source put_inbox put_replay put_link put_email put_alert_channel".split()
    for write in (*map(_put, made), BEGINS["begin_call"]):
        subject.ask(write)


def refused(subject: Subject, writes: dict[str, Write]) -> set[str]:
    """Those that are refused as of a family that is not here."""
    found = set()
    for name, write in writes.items():
        try:
            subject.ask(write)
        except port.FamilyAway:
            found.add(name)
        except port.StaleChange:
            pass  # it is there already
    return found


def test_every_write_for_an_org_of_a_family_that_is_not_here_is_refused(subject: Subject) -> None:
    fill(subject)
    version = subject.load().registry_version
    leave(subject, BEGIN)
    assert refused(subject, BEGINS) == {*BEGINS}
    assert not refused(subject, {**ENDS, **IN_PARTS, **OF_ALL})
    leave(subject, SEAL)
    assert refused(subject, {**BEGINS, **ENDS}) == {*BEGINS, *ENDS}
    assert refused(subject, OF_ALL) == {*OF_ALL}, "nothing changes while it is copied"
    leave(subject, SWITCHED)
    assert refused(subject, {**BEGINS, **ENDS}) == {*BEGINS, *ENDS}
    assert not refused(subject, OF_ALL)
    assert subject.load().registry_version == version


# These name a webhook, a source, an inbox …, none of which is there any more.
OF_ROWS = set(
    "drop_alert_channel drop_conflicts drop_dead_letters drop_inbox drop_source move_replay"
    " note_counted park_expired put_table_owner release retire retry_now take_caps take_link"
    " use_inbox wake wake_oldest wake_retries".split()
)


def test_once_its_rows_are_dropped_it_is_refused_as_before_and_others_are_written(
    subject: Subject,
) -> None:
    fill(subject)
    leave(subject, BEGIN, SEAL, SWITCHED)
    while subject.ask(lambda store: store.drop_family_rows(FAMILY, 2)):
        pass
    leave(subject, FamilyMove.EMPTY)
    of_the_org = {name: write for name, write in BEGINS.items() if name not in OF_ROWS}
    assert refused(subject, of_the_org) == {*of_the_org}
    assert not refused(subject, OF_ALL)
    number = subject.ask(lambda store: store.put_webhook(webhook("other", org=OTHER)))[0].number
    assert [stored.number for stored in subject.load().webhooks] == [number]
    subject.reopen()
    assert refused(subject, of_the_org) == {*of_the_org}


def test_what_is_of_several_orgs_leaves_out_those_that_are_not_here(subject: Subject) -> None:
    fill(subject)
    other, _ = subject.ask(lambda store: store.put_webhook(webhook("other", org=OTHER)))
    letter = port.QueuedEmail("f", other.org, "kind", fact=b"{}", due_ms=1)
    subject.ask(lambda store: store.put_email(letter))
    leave(subject, BEGIN, SEAL)
    healths = [port.StoredHealth(number, failures=1) for number in (1, other.number)]
    subject.ask(lambda store: store.put_healths(healths))
    subject.ask(IN_PARTS["put_activity"])
    incidents = [
        Incident(webhook=number, number=number, org=org, kind="failing")
        for number, org in ((1, ORG), (other.number, other.org))
    ]
    subject.ask(lambda store: store.put_incidents(incidents))
    assert subject.ask(lambda store: store.open_incidents()) == incidents[1:]
    subject.ask(lambda store: store.drop_emails(["e", "f"]))

    def kept() -> tuple[list[int], int, list[str]]:
        """Of which webhooks there are healths, of how many sources activity, which letters."""
        healths = subject.ask(lambda store: store.healths())
        activity = subject.ask(lambda store: store.load_activity())
        letters = subject.ask(lambda store: store.emails())
        ids = [letter.id for letter in letters]
        return [health.webhook for health in healths], len(activity), ids

    assert kept() == ([other.number], 0, ["e"])


def test_a_change_whose_entry_is_of_a_family_that_is_not_here_is_refused(subject: Subject) -> None:
    fill(subject)
    leave(subject, BEGIN)

    async def asked(store: port.Store) -> None:
        with port.recorded(port.AuditWrite(KEY, [change(org=FAMILY)])):
            await store.put_stop(port.SendingStop(OrgId(OTHER), "boss"))

    with pytest.raises(port.FamilyAway):
        subject.ask(asked)
    assert not subject.ask(lambda store: store.stops())
    leave(subject, UNDONE)
    subject.ask(asked)
    assert [stop.org for stop in subject.ask(lambda store: store.stops())] == [OrgId(OTHER)]


def test_other_families_are_written_to_as_ever(subject: Subject) -> None:
    fill(subject)
    leave(subject, BEGIN, SEAL)
    credential = msgspec.structs.replace(COMPARED["put_credential"].first, org=OTHER)
    subject.ask(lambda store: store.put_credential(credential))
    assert list(subject.load().credentials) == [
        msgspec.structs.replace(credential, created_ms=subject.load().credentials[0].created_ms)
    ]

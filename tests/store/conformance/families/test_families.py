"""Conformance: a store knows which families are here, and no batch holds anything of another."""

import pytest

from tests.store.conformance.families.steps import (
    BEGIN,
    CHILD,
    FAMILY,
    HERE,
    LEAVING,
    OTHER,
    SEAL,
    SEALED,
    SWITCHED,
    THERE,
    UNDONE,
    families,
    judged,
    leave,
    move,
    put_org,
)
from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, failing, new, settled, webhook
from tidings.core.cells.families import FamilyMove, FamilyRow, FamilyState
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port

GONE, EMPTIED, ARRIVING = FamilyState.GONE, FamilyState.EMPTIED, FamilyState.ARRIVING


def test_a_family_begins_with_its_org_and_goes_on_where_it_had_ended(subject: Subject) -> None:
    put_org(subject, OTHER)
    put_org(subject, CHILD, parent=OTHER)
    assert families(subject) == [FamilyRow(OTHER, HERE, 1)]
    put_org(subject, CHILD, revision=2)
    begun = [FamilyRow(OTHER, HERE, 1), FamilyRow(CHILD, HERE, 1)]  # type: ignore[arg-type]
    assert families(subject) == begun
    put_org(subject, OTHER, parent=CHILD, revision=2)
    assert families(subject) == begun, "its number is not given again"
    assert not move(subject, BEGIN, 2, OTHER, THERE).changed, "it is no family now"
    put_org(subject, OTHER, revision=3)
    assert families(subject) == begun
    assert move(subject, BEGIN, 2, OTHER, THERE).changed
    subject.crash()
    assert families(subject)[0] == FamilyRow(OTHER, LEAVING, 2, other=THERE)


def test_an_org_that_cannot_be_made_makes_no_family(subject: Subject) -> None:
    with pytest.raises(port.StaleChange):
        put_org(subject, OTHER, revision=2)
    assert families(subject) == []
    subject.reopen()
    assert families(subject) == []


def test_a_move_is_one_transaction_and_repeatable(subject: Subject) -> None:
    put_org(subject, ORG)
    there = FamilyRow(FAMILY, LEAVING, 2, other=THERE)
    assert move(subject, BEGIN, 3, other=THERE) == port.FamilyReceipt(
        FamilyRow(FAMILY, HERE, 1), changed=False
    )
    assert move(subject, BEGIN, 2, other=THERE) == port.FamilyReceipt(there, changed=True)
    subject.crash()
    assert move(subject, BEGIN, 2, other=THERE) == port.FamilyReceipt(there, changed=False)
    assert subject.ask(lambda store: store.family_row(FAMILY)) == there
    leave(subject, SEAL, SWITCHED, FamilyMove.EMPTY)
    subject.crash()
    assert families(subject) == [FamilyRow(FAMILY, EMPTIED, 2, other=THERE)]


def test_a_family_arrives_once_and_is_refused_once(subject: Subject) -> None:
    assert move(subject, FamilyMove.RECEIVE, 4, other=THERE).changed
    assert families(subject) == [FamilyRow(FAMILY, ARRIVING, 4, other=THERE)]
    assert move(subject, FamilyMove.REFUSE, 4, other=THERE).changed
    subject.crash()
    assert not move(subject, FamilyMove.SWITCH, 4).changed
    assert families(subject) == [FamilyRow(FAMILY, GONE, 4, other=THERE)]
    assert move(subject, FamilyMove.EMPTY, 4).changed
    assert move(subject, FamilyMove.RECEIVE, 6, other=THERE).changed
    assert move(subject, FamilyMove.SWITCH, 6).changed
    assert families(subject) == [FamilyRow(FAMILY, HERE, 6)]
    assert subject.ask(lambda store: store.family_row(OTHER)) is None


def test_a_batch_of_a_family_that_is_not_here_is_refused_whole(subject: Subject) -> None:
    put_org(subject, ORG)
    put_org(subject, OTHER)
    known = subject.commit(event("a", new(1)), families=judged())
    leave(subject, BEGIN)
    both = [*judged(), *judged(family=OTHER)]
    refusal = subject.commit(
        event("b", new(1)),
        event("c", org=OTHER),
        settled=[settled(known.firsts[0])],
        families=both,
    )
    assert ([*refusal.away], [*refusal.seqs], refusal.now_ms) == ([FAMILY], [], 0)
    assert subject.event("b", ORG) is subject.event("c", OTHER) is None
    assert subject.states(known.firsts[0]) == [State.PENDING]
    accepted = subject.commit(event("c", org=OTHER), families=judged(family=OTHER))
    assert list(accepted.seqs) == [known.seqs[0] + 1], "nothing has taken a number"
    subject.crash()
    assert subject.commit(event("b"), families=judged()).away == [FAMILY]


def test_a_batch_of_a_family_that_nobody_knows_is_refused_whole(subject: Subject) -> None:
    assert subject.commit(event("a"), families=judged()).away == [FAMILY]
    assert subject.commit(families=judged(begins=False)).away == [FAMILY]


def test_what_was_judged_before_a_move_that_was_undone_is_refused(subject: Subject) -> None:
    put_org(subject, ORG)
    leave(subject, BEGIN, SEAL, UNDONE)
    assert subject.commit(event("a"), families=judged(1)).away == [FAMILY]
    assert not subject.commit(event("a"), families=judged(2)).away


def test_attempts_settle_where_they_have_begun_up_to_the_seal(subject: Subject) -> None:
    put_org(subject, ORG)
    deliveries = subject.commit(*(event(id, new(1)) for id in "abcd"), families=judged()).firsts

    def settle(delivery: int, number: int = 1) -> bool:
        """Settle one that has begun under a move; whether it is written."""
        receipt = subject.commit(settled=[settled(delivery)], families=judged(number, begins=False))
        assert subject.states(delivery) == [State.PENDING if receipt.away else State.DELIVERED]
        return not receipt.away

    assert settle(deliveries[0])
    leave(subject, BEGIN)
    assert settle(deliveries[1])
    leave(subject, SEAL)
    assert not settle(deliveries[2])
    leave(subject, UNDONE)
    assert settle(deliveries[2]), "it has never left"
    leave(subject, BEGIN, UNDONE, number=3)
    assert not settle(deliveries[3], number=1), "it may have had another outcome since"
    assert settle(deliveries[3], number=3)


def test_what_is_owed_to_a_family_that_is_not_here_stays_owed(subject: Subject) -> None:
    put_org(subject, ORG)
    put_org(subject, OTHER)
    put_org(subject, CHILD, parent=ORG)
    for id, org in (("a", CHILD), ("b", OTHER)):
        owing = event(id, *(new(number) for number in range(1, 5)), org=org)
        subject.commit(owing, deliveries_max=1)
    leave(subject, BEGIN)

    def slices() -> list[tuple[str, int]]:
        """Make what is owed: the events of each commit, and what is owed then."""
        found: list[tuple[str, int]] = []
        while True:
            receipt = subject.commit(fan_out=2)
            ids = "".join(fan_out.event_id for fan_out in receipt.fanned_out)
            found.append((ids, receipt.owed))
            if not receipt.owed:
                return found

    assert slices() == [("b", 1), ("b", 0)]
    subject.crash()
    assert slices() == [("", 0)]
    leave(subject, UNDONE)
    assert slices() == [("a", 1), ("a", 0)]


def test_a_family_that_moves_takes_its_children_along(subject: Subject) -> None:
    put_org(subject, ORG)
    put_org(subject, CHILD, parent=ORG)
    put_org(subject, 9, parent=CHILD)
    leave(subject, BEGIN)

    def put(org: int, name: str) -> None:
        subject.ask(lambda store: store.put_webhook(webhook(name, org=org)))

    for org in (ORG, CHILD, 9):
        with pytest.raises(port.FamilyAway):
            put(org, "till")
    put_org(subject, OTHER)
    put(OTHER, "till")
    for org, parent in ((9, OTHER), (OTHER, 9)):  # out of it, and into it
        with pytest.raises(port.FamilyAway):
            put_org(subject, org, parent=parent, revision=2)
    with pytest.raises(port.FamilyAway):
        put_org(subject, 9, revision=2)
    leave(subject, UNDONE)
    put_org(subject, 9, parent=OTHER, revision=2)
    put(9, "till")


def test_an_org_that_is_another_cell_s_is_not_made_here(subject: Subject) -> None:
    assert move(subject, FamilyMove.REFUSE, 2, other=THERE).changed
    with pytest.raises(port.FamilyAway):
        put_org(subject, ORG)
    assert not subject.load().orgs
    assert families(subject) == [FamilyRow(FAMILY, EMPTIED, 2, other=THERE)]


def test_claims_of_a_family_that_is_not_here_bring_nothing(subject: Subject) -> None:
    put_org(subject, ORG)
    [delivery] = subject.commit(event("a", new(1)), families=judged()).firsts
    subject.commit(settled=[failing(delivery, 0)], families=judged(begins=False))
    leave(subject, BEGIN)
    claims = [port.RetryClaim(1, 10)]
    refused = subject.commit(claims=claims, families=judged())
    assert (list(refused.away), list(refused.claimed)) == ([FAMILY], [])
    leave(subject, UNDONE)
    [job] = subject.commit(claims=claims, families=judged(2)).claimed
    assert (job.delivery, job.attempt) == (delivery, 2)


def test_a_store_says_in_which_state_a_family_is_refused(subject: Subject) -> None:
    put_org(subject, ORG)
    told = []
    for step in (BEGIN, SEAL, SWITCHED):
        leave(subject, step)
        with pytest.raises(port.FamilyAway) as refusal:
            subject.ask(lambda store: store.drop_stop(OrgId(ORG)))
        told.append(str(refusal.value))
    assert told[0] == told[1] != told[2]
    assert families(subject)[0].state is not SEALED


@pytest.mark.parametrize("steps", [(), (BEGIN,), (BEGIN, SEAL), (BEGIN, SEAL, FamilyMove.RECALL)])
def test_a_store_of_before_a_move_loses_the_family_once(
    subject: Subject, steps: tuple[FamilyMove, ...]
) -> None:
    put_org(subject, ORG)
    leave(subject, *steps)
    known = families(subject)[0].number
    assert not move(subject, FamilyMove.LOSE, known, other=THERE).changed, "it says so itself"
    lost = FamilyRow(FAMILY, GONE, 4, other=THERE)
    receipt = port.FamilyReceipt(lost, changed=True)
    assert move(subject, FamilyMove.LOSE, 4, other=THERE) == receipt
    subject.crash()
    assert not move(subject, FamilyMove.LOSE, 5, other=THERE).changed
    assert families(subject) == [lost]
    assert subject.commit(event("a", new(1)), families=judged()).away == [FAMILY]
    assert move(subject, FamilyMove.EMPTY, 4).changed
    assert move(subject, FamilyMove.RECEIVE, 5, other=THERE).changed, "it can come back"

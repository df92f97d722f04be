"""The writer by itself, on one connection in memory: a batch is one transaction, or nothing."""

from collections.abc import Callable
from typing import Any

import apsw
import pytest

from tests.store.rows import ORG, event, failing, new, settled
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.store import port
from tidings.store.sql.audit.rows import AuditRows
from tidings.store.sql.configuration.families import FamilyRows
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.writer import Writer
from tidings.store.sqlite.database import open_writer

FIRST_VERSION = 1  # of the registry of a new store
KEY = 77


class Desk:
    """A writer on a new store, by a clock that stands."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.connection = open_writer(":memory:")
        self.writer = self.begun_anew()

    def begun_anew(self) -> Writer:
        """As the next owner of the store makes it."""
        audit = AuditRows(self.connection, lambda: self.now_ms)
        families, numbers = FamilyRows(self.connection), StoreNumbers(self.connection)
        return Writer(self.connection, lambda: self.now_ms, audit, numbers, families)

    def commit(
        self, *events: port.NewEvent, version: int = FIRST_VERSION, **more: Any
    ) -> port.Receipt:
        return self.writer.commit(port.Batch(version, events, **more))

    def rows(self) -> dict[str, list[Any]]:
        """All that a commit may write."""
        tables = "event_id event body delivery attempt rejection sent".split()
        return {name: list(self.connection.execute(f"SELECT * FROM {name}")) for name in tables}

    def states(self) -> list[State]:
        found = self.connection.execute("SELECT state FROM delivery ORDER BY id")
        return [State(state) for (state,) in found]

    def pending(self, webhook: int = 1) -> list[int]:
        return [job.delivery for job in self.writer.page(webhook, 0, 100)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refusal(id: str) -> port.NewRejection:
    return port.NewRejection(ORG, "a", id, "code", "message", "data", b"{}")


def retrying(desk: Desk, count: int = 1) -> None:
    """So many deliveries of webhook 1 have failed once and are due."""
    events = (event(f"failed {number}", new(1)) for number in range(count))
    firsts = desk.commit(*events).firsts
    desk.commit(settled=[failing(first, 0) for first in firsts])


def test_events_outcomes_claims_and_refusals_are_one_transaction(desk: Desk) -> None:
    retrying(desk)
    written = 0

    def count() -> bool:
        nonlocal written
        written += 1
        return False

    desk.connection.set_commit_hook(count)
    receipt = desk.commit(
        event("a", new(1), new(2)),
        event("b"),
        settled=[settled(1, attempt=2)],
        claims=[port.RetryClaim(1, 5)],
        rejections=[refusal("x")],
    )
    assert written == 1
    assert (list(receipt.seqs), receipt.firsts[0], receipt.now_ms) == ([2, 3], 2, 1_000_000)
    assert desk.states() == [State.DELIVERED, State.PENDING, State.PENDING]
    assert len(desk.rows()["rejection"]) == 1 and list(receipt.due) == [(1, None)]


def test_a_batch_with_nothing_in_it_finds_out_whether_writing_works(desk: Desk) -> None:
    before = desk.connection.total_changes()
    desk.commit()
    assert desk.connection.total_changes() > before


def a_row_that_cannot_be(desk: Desk) -> dict[str, Any]:
    return {"settled": [settled(1), settled(1 << 70)]}


def a_late_one(desk: Desk) -> dict[str, Any]:
    return {"claims": [port.RetryClaim(1 << 70, 1)]}


def a_disk_that_is_full(desk: Desk) -> dict[str, Any]:
    desk.connection.set_commit_hook(lambda: True)
    return {}


@pytest.mark.parametrize("fault", [a_row_that_cannot_be, a_late_one, a_disk_that_is_full])
def test_of_a_batch_that_fails_nothing_is_written_and_its_numbers_are_given_again(
    desk: Desk, fault: Callable[[Desk], dict[str, Any]]
) -> None:
    desk.commit(event("first", new(1), new(1, KEY)))
    before, numbers = desk.rows(), (desk.writer.seq, desk.writer.newest_delivery)
    with pytest.raises((OverflowError, apsw.ConstraintError)):
        desk.commit(
            event("a", new(1), new(2), new(3)),
            per_event_max=1,  # two are owed
            rejections=[refusal("x")],
            **fault(desk),
        )
    assert desk.connection.get_autocommit() and desk.rows() == before
    assert (desk.writer.seq, desk.writer.newest_delivery) == numbers == (1, 2)
    desk.connection.set_commit_hook(None)
    receipt = desk.commit(event("a", new(1)), fan_out=10)
    assert (list(receipt.seqs), list(receipt.firsts)) == ([2], [3])
    assert (receipt.owed, list(receipt.fanned_out)) == (0, []), "what was owed is forgotten too"


def test_what_was_matched_before_the_registry_changed_is_sent_back_whole(desk: Desk) -> None:
    desk.commit(event("first", new(1)))
    desk.writer.version_raised(5)
    before = desk.rows()
    late = desk.commit(event("a", new(1)), version=4, settled=[settled(1)])
    assert late == port.Receipt(moved=True) and desk.rows() == before
    slice = port.ReplaySlice(1, EventNumber(0), EventNumber(9), 1, [EventNumber(1)], [None])
    assert desk.commit(version=4, replays=[slice]).moved
    assert not desk.commit(version=4, settled=[settled(1)]).moved, "an outcome was not matched"
    assert list(desk.commit(event("a", new(1)), version=5).seqs) == [2]


def test_what_a_batch_cancels_it_does_not_claim(desk: Desk) -> None:
    retrying(desk, 2)
    receipt = desk.commit(
        cancels=[port.CancelSlice([DeliveryId(1)], "boss")], claims=[port.RetryClaim(1, 5)]
    )
    assert [job.delivery for job in receipt.claimed] == [2]
    assert desk.states() == [State.CANCELLED, State.RETRYING]


def test_what_is_owed_goes_before_a_later_event_of_its_key(desk: Desk) -> None:
    first = desk.commit(event("many", new(1), new(2, KEY), new(3)), per_event_max=1)
    assert (list(first.made), first.owed) == ([(0, 1)], 2)
    receipt = desk.commit(event("a", new(2, KEY)), fan_out=10)
    assert (receipt.owed, list(receipt.firsts), list(receipt.held)) == (0, [4], [4])
    [made] = receipt.fanned_out
    assert [delivery for delivery, *_ in made.deliveries] == [2, 3]
    assert desk.states() == [State.PENDING] * 3 + [State.HELD]


def test_numbers_go_on_with_the_next_owner_also_those_of_what_is_owed(desk: Desk) -> None:
    desk.commit(event("a", new(1)), event("many", new(1), new(2), new(3)), per_event_max=1)
    assert len(desk.states()) == 2
    after = desk.begun_anew()
    assert (after.seq, after.newest_delivery) == (2, 4)
    assert list(after.commit(port.Batch(FIRST_VERSION, [event("b", new(1))])).firsts) == [5]


def test_a_repeat_takes_no_number_of_its_neighbours_in_the_batch(desk: Desk) -> None:
    desk.commit(event("a", new(1)), event("b", new(1), body=b"first"))
    receipt = desk.commit(
        event("c", new(1)),
        event("a", new(1)),
        event("b", new(1), body=b"others"),
        event("d", new(1)),
        event("c", new(1)),
    )
    assert (list(receipt.seqs), list(receipt.differing)) == ([3, 0, 0, 4, 0], [2])
    assert (receipt.firsts[0], receipt.firsts[3]) == (3, 4) and desk.pending() == [1, 2, 3, 4]


def test_the_next_of_a_key_waits_in_the_store_and_is_freed_by_the_end_before_it(
    desk: Desk,
) -> None:
    receipt = desk.commit(event("a", new(1, KEY)), event("b", new(1, KEY)), event("c", new(1)))
    assert list(receipt.held) == [2] and desk.pending() == [1, 3]
    assert desk.writer.waits(1, KEY) and not desk.writer.waits(2, KEY)
    assert list(desk.commit(settled=[failing(1, 0, key=KEY)]).freed) == []
    receipt = desk.commit(settled=[settled(1, key=KEY, attempt=2)])
    assert [(job.delivery, job.attempt, job.retry) for job in receipt.freed] == [(2, 1, False)]
    assert desk.writer.free_next(1, KEY, None) == [], "it is free already"
    desk.commit(settled=[settled(2, key=KEY)])
    assert not desk.writer.waits(1, KEY)


def test_a_claim_writes_the_attempt_down_and_brings_what_is_sent(desk: Desk) -> None:
    desk.commit(event("a", new(1), body=b"accepted"))
    desk.commit(settled=[failing(1, 50)])
    claim = [port.RetryClaim(1, 5)]
    early = desk.commit(claims=claim)
    assert (list(early.claimed), list(early.due)) == ([], [(1, 1_000_050)])
    desk.now_ms += 50
    [job] = desk.commit(claims=claim).claimed
    assert (job.delivery, job.attempt, job.retry, job.body) == (1, 2, True, b"accepted")
    assert [row[:2] for row in desk.rows()["attempt"]] == [(1, 1), (1, 2)]
    again = desk.commit(claims=claim)
    assert (list(again.claimed), list(again.due)) == ([], [(1, None)]), "it is under way"


def test_many_claims_share_what_one_commit_brings(desk: Desk) -> None:
    retrying(desk, 4)
    receipt = desk.commit(claims=[port.RetryClaim(1, 5), port.RetryClaim(2, 5)], claimed_max=4)
    assert [job.delivery for job in receipt.claimed] == [1, 2]
    assert list(receipt.due) == [(1, 1_000_000), (2, None)]


def test_a_page_shows_what_a_commit_has_written_from_an_id_on(desk: Desk) -> None:
    desk.commit(*(event(f"{number}", new(1)) for number in range(5)))
    desk.commit(settled=[settled(2)])
    assert desk.pending() == [1, 3, 4, 5] and desk.pending(webhook=2) == []
    assert [job.delivery for job in desk.writer.page(1, 3, 1)] == [4]


def test_to_look_at_the_families_of_a_batch_asks_no_statement() -> None:
    """As many are asked as without families, also while some are away."""
    asked: list[int] = []
    for judged in ((), (ORG, 7)):
        desk = Desk()
        families = desk.writer._families
        with desk.connection:
            for org in (ORG, 7, 8):
                families.begin(OrgId(org))
        step = port.FamilyStep(FamilyId(8), FamilyMove.BEGIN, 2, other=CellId(2))
        assert families.move(step).changed
        statements: list[str] = []

        def traced(cursor: object, statement: str, bindings: object) -> bool:
            statements.append(statement)  # noqa: B023
            return True

        desk.connection.exec_trace = traced
        named = [
            port.JudgedFamily(FamilyId(org), 1, begins=begins)
            for org in judged
            for begins in (True, False)
        ]
        [first, _] = desk.commit(event("a", new(1)), event("b", org=7), families=named).firsts
        desk.commit(settled=[settled(first)], families=named)
        asked.append(len(statements))
    assert asked[0] == asked[1] > 0

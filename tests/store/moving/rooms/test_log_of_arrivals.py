"""What moved is found by every question of the log, and counted; what has left is not."""

from collections.abc import Sequence

import pytest

from tests.store.moving.rooms.two_cells import OTHER, A, B, TwoCells
from tests.store.rows import ORG, term
from tidings.core.cells.families import CellId
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port

EVER_MS = 1 << 42
WHOLE = {"from_ms": 0, "to_ms": EVER_MS}


def events(cells: TwoCells, cell: CellId, org: int = ORG, **more: object) -> list[str]:
    """The ids of events that a question finds, over pages of two, oldest first."""
    found: list[str] = []
    before = None
    while True:
        query = port.EventQuery(OrgId(org), before=before, limit=2, **more)  # type: ignore[arg-type]
        page = cells.of[cell].ask(lambda store: store.log_events(query))  # noqa: B023
        found += [stored.id for stored in page.events]
        if (before := page.older) is None:
            return found[::-1]


def deliveries(cells: TwoCells, cell: CellId, org: int = ORG, *states: State) -> Sequence[int]:
    """The ids of deliveries in states, of the org's webhook, oldest first."""
    query = port.DeliveryQuery([cells.webhook_of(cell, org)], states=states)
    page = cells.of[cell].ask(lambda store: store.log_deliveries(query))
    return [stored.id for stored in page.deliveries][::-1]


def counted(cells: TwoCells, cell: CellId, org: int = ORG) -> tuple[int, dict[int, int]]:
    """How many events and, by state, deliveries of an org are counted."""
    store = cells.of[cell]
    now_ms = store.commit().now_ms
    low, high = now_ms - 3_600_000, now_ms + 3_600_000
    series = store.ask(lambda one: one.event_series(OrgId(org), low, high, 10))
    of_org = store.ask(lambda one: one.org_series(OrgId(org), low, high, 10))
    states: dict[int, int] = {}
    for point in of_org.points:
        for state, count in point.by_state.items():
            if count:
                states[state] = states.get(state, 0) + count
    assert series.behind == of_org.behind == 0
    return sum(series.counts), states


def finds_all(cells: TwoCells, cell: CellId, ids: list[str], done: list[int]) -> None:
    assert events(cells, cell) == ids
    assert events(cells, cell, event_names=["pointsIssued"], matched=True) == ids
    assert events(cells, cell, terms=[term(f"{ORG}")]) == ids
    assert events(cells, cell, webhooks=[cells.webhook_of(cell, ORG)]) == ids
    assert deliveries(cells, cell, ORG, State.DELIVERED) == done
    assert counted(cells, cell) == (len(ids), {State.DELIVERED: len(done)})


@pytest.mark.parametrize("indexed_meanwhile", [False, True])
def test_events_that_arrive_below_the_own_ones_are_found(
    cells: TwoCells, indexed_meanwhile: bool
) -> None:
    done = cells.fill(A, ORG, "one", "two", "three", state=State.DELIVERED)
    others = cells.fill(B, OTHER, "his", "her", state=State.DELIVERED)
    cells.index(B)
    cells.begin(A, B)
    cells.copy(A, B)
    if indexed_meanwhile:
        cells.index(B)
    cells.end(A, B)
    cells.index(B)
    finds_all(cells, B, ["one", "two", "three"], done)
    later = cells.fill(B, ORG, "four", state=State.DELIVERED)
    cells.index(B)
    finds_all(cells, B, ["one", "two", "three", "four"], [*done, *later])
    assert events(cells, B, OTHER, terms=[term(f"{OTHER}")]) == ["his", "her"]
    assert deliveries(cells, B, OTHER) == others
    assert counted(cells, B, OTHER) == (2, {State.DELIVERED: 2})


def test_events_that_arrive_above_the_own_ones_hide_none_of_these(cells: TwoCells) -> None:
    cells.a.ask(lambda store: store.begin_range(20 << 24))  # above all of B's
    done = cells.fill(A, ORG, "one", "two", state=State.DELIVERED)
    cells.fill(B, OTHER, "before", state=State.DELIVERED)
    cells.begin(A, B)
    cells.copy(A, B)
    cells.fill(B, OTHER, "meanwhile", state=State.DELIVERED)
    cells.index(B)
    cells.fill(B, OTHER, "again", state=State.DELIVERED)
    cells.index(B)
    cells.end(A, B)
    cells.index(B)
    finds_all(cells, B, ["one", "two"], done)
    whole = ["before", "meanwhile", "again"]
    assert events(cells, B, OTHER, event_names=["pointsIssued"]) == whole
    assert events(cells, B, OTHER, terms=[term(f"{OTHER}")]) == whole
    assert counted(cells, B, OTHER) == (3, {State.DELIVERED: 3})


def test_what_comes_back_is_found_with_what_was_added_elsewhere(cells: TwoCells) -> None:
    first = cells.fill(A, ORG, "one", "two", state=State.DELIVERED)
    cells.fill(A, 9, "stays", state=State.DELIVERED)
    cells.index(A)
    cells.move(A, B)
    cells.index(A)
    cells.index(B)
    assert events(cells, A) == [], "it has gone"
    assert counted(cells, A) == (0, {})
    second = cells.fill(B, ORG, "three", state=State.DELIVERED)
    cells.fill(A, 9, "stays too", state=State.DELIVERED)
    cells.index(A)
    cells.index(B)
    cells.move(B, A)
    cells.index(A)
    finds_all(cells, A, ["one", "two", "three"], [*first, *second])
    assert events(cells, A, 9, terms=[term("9")]) == ["stays", "stays too"]
    third = cells.fill(A, ORG, "four", state=State.DELIVERED)
    cells.index(A)
    finds_all(cells, A, ["one", "two", "three", "four"], [*first, *second, *third])

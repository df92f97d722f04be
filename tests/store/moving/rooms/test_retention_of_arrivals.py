"""What moved is dropped when its time is over, and nothing sooner, whatever numbers it has."""

import pytest

from tests.store.conformance.retained import drop
from tests.store.moving.rooms.two_cells import OTHER, A, B, TwoCells, half
from tests.store.rows import ORG
from tidings.core.cells.families import CellId
from tidings.core.delivery.states import State
from tidings.core.orgs.retention import DAY_MS, RowKind
from tidings.store import port

KINDS = [RowKind.PAYLOAD, RowKind.METADATA]


def now_ms(cells: TwoCells) -> int:
    return cells.b.commit().now_ms


def age(cells: TwoCells, cell: CellId, id: str, days: int) -> None:
    """Have an event be so many days old."""
    connection = half(cells.of[cell]).connection
    at_ms = now_ms(cells) - days * DAY_MS
    with connection:
        connection.execute("UPDATE event SET at_ms = ? WHERE id = ?", (at_ms, id))


def kept(cells: TwoCells, cell: CellId, kind: RowKind, org: int, *ids: str) -> list[str]:
    """Which of these events still have what retention of a kind drops."""
    found = [(id, cells.of[cell].event(id, org)) for id in ids]
    if kind is RowKind.PAYLOAD:
        return [id for id, event in found if event is not None and event.body is not None]
    return [id for id, event in found if event is not None]


def drop_older(
    cells: TwoCells, cell: CellId, kind: RowKind, days: int, rows_max: int = 1000
) -> int:
    before_ms = now_ms(cells) - days * DAY_MS
    return drop(cells.of[cell], kind, before_ms=before_ms, rows_max=rows_max)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows_max", [3, 1000])
def test_what_arrives_above_younger_events_goes_when_its_time_is_over(
    cells: TwoCells, kind: RowKind, rows_max: int
) -> None:
    cells.fill(B, OTHER, "own", state=State.DELIVERED)
    age(cells, B, "own", 1)
    cells.a.ask(lambda store: store.begin_range(20 << 24))
    cells.fill(A, ORG, "old", state=State.DELIVERED)
    cells.fill(A, ORG, "unfinished")
    cells.fill(A, ORG, "newer", "newest", state=State.DELIVERED)
    for id, days in (("old", 40), ("unfinished", 39), ("newer", 20), ("newest", 2)):
        age(cells, A, id, days)
    cells.move(A, B)
    cells.fill(B, ORG, "later", state=State.DELIVERED)
    ids = ("old", "unfinished", "newer", "newest", "later")
    assert drop_older(cells, B, kind, 30, rows_max=rows_max)
    assert kept(cells, B, kind, ORG, *ids) == list(ids[1:])
    assert drop_older(cells, B, kind, 10, rows_max=rows_max)
    assert kept(cells, B, kind, ORG, *ids) == ["unfinished", "newest", "later"]
    assert kept(cells, B, kind, OTHER, "own") == ["own"]
    cells.b.reopen()
    assert drop_older(cells, B, kind, 10, rows_max=rows_max) == 0
    assert cells.b.ask(lambda store: store.retention_state()).kept_back == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_arrives_below_the_place_of_retention_goes_when_its_time_is_over(
    cells: TwoCells, kind: RowKind
) -> None:
    cells.fill(B, OTHER, "gone", "own", state=State.DELIVERED)
    age(cells, B, "gone", 50)
    assert drop_older(cells, B, kind, 30), "there is a place now, above all of A's numbers"
    cells.fill(A, ORG, "old", "new", state=State.DELIVERED)
    age(cells, A, "old", 40)
    cells.move(A, B)
    assert drop_older(cells, B, kind, 30)
    assert kept(cells, B, kind, ORG, "old", "new") == ["new"]
    assert kept(cells, B, kind, OTHER, "own") == ["own"]


def test_what_comes_back_below_the_place_goes_and_its_id_may_come_again(cells: TwoCells) -> None:
    cells.fill(A, ORG, "old", "new", state=State.DELIVERED)
    cells.fill(A, 9, "gone", "own", state=State.DELIVERED)
    age(cells, A, "gone", 50)
    age(cells, A, "old", 20)
    cells.move(A, B)
    assert drop_older(cells, A, RowKind.METADATA, 30)
    cells.move(B, A)
    assert drop_older(cells, A, RowKind.METADATA, 10)
    assert kept(cells, A, RowKind.METADATA, ORG, "old", "new") == ["new"]
    assert kept(cells, A, RowKind.METADATA, 9, "own") == ["own"]
    assert cells.fill(A, ORG, "new", "old")[1], "its id is free"


@pytest.mark.parametrize("rows_max", [1, 100])
def test_rejections_that_arrive_hold_up_no_older_ones(cells: TwoCells, rows_max: int) -> None:
    def reject(cell: CellId, org: int, id: str, days: int) -> None:
        refused = port.NewRejection(org, "x", id, "code", "message", "", b"{}")  # type: ignore[arg-type]
        cells.of[cell].commit(rejections=[refused])
        connection = half(cells.of[cell]).connection
        at_ms = now_ms(cells) - days * DAY_MS
        with connection:
            connection.execute("UPDATE rejection SET at_ms = ? WHERE event_id = ?", (at_ms, id))

    reject(B, OTHER, "own old", 9)
    reject(B, OTHER, "own", 2)
    reject(A, ORG, "low", 3)
    cells.a.ask(lambda store: store.begin_range(20 << 24))
    reject(A, ORG, "old", 8)
    reject(A, ORG, "new", 1)
    cells.move(A, B)
    assert drop_older(cells, B, RowKind.REJECTION, 7, rows_max=rows_max) == 2
    left = half(cells.b).connection.execute("SELECT event_id FROM rejection ORDER BY event_id")
    assert [id for (id,) in left] == ["low", "new", "own"]


def test_nothing_is_dropped_while_rows_are_copied(cells: TwoCells) -> None:
    cells.fill(A, ORG, "old", state=State.DELIVERED)
    age(cells, A, "old", 40)
    cells.begin(A, B)
    for cell in (A, B):
        with pytest.raises(port.FamilyAway):
            drop_older(cells, cell, RowKind.METADATA, 30)
    cells.copy(A, B)
    cells.end(A, B)
    assert drop_older(cells, A, RowKind.METADATA, 30) == 0
    assert drop_older(cells, B, RowKind.METADATA, 30) > 0

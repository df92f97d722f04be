"""Two stores, and a family that goes from one to the other by pages."""

from collections.abc import Mapping
from typing import Any

from tests.store.conformance.subject import Subject
from tests.store.moving.families_filled import Rows, put_family, put_rows
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.store import port
from tidings.store.sql.connection import StoreConnection

NUMBER = 2


def connection_of(subject: Subject) -> StoreConnection:
    """The connection that writes."""
    store: Any = subject._store  # noqa: SLF001
    connection: StoreConnection = store.writing.connection
    return connection


def fill(subject: Subject, *families: tuple[FamilyId, Rows]) -> None:
    """Put families into a store, and have it read them."""
    connection = connection_of(subject)
    for family, rows in families:
        put_rows(connection, rows)
        put_family(connection, family)
    put_rows(connection, {"person": [{"id": "usr_both"}]})  # a member in each family
    subject.reopen()


def step(subject: Subject, family: FamilyId, *moves: FamilyMove, number: int = NUMBER) -> None:
    """Take these steps of a move, each of which changes the row."""
    for move in moves:
        asked = port.FamilyStep(family, move, number, other=CellId(9))
        assert subject.ask(lambda store: store.move_family(asked)).changed, move.name  # noqa: B023


def pages(
    subject: Subject, family: FamilyId, number: int = NUMBER, place: port.RowsPlace | None = None
) -> list[port.FamilyRowsPage]:
    """Read the pages from a place on."""
    found: list[port.FamilyRowsPage] = []
    while not found or place is not None:
        at = place
        page = subject.ask(lambda store: store.read_family_rows(family, number, at))  # noqa: B023
        found.append(page)
        place = page.next
    return found


def write(
    subject: Subject, family: FamilyId, page: port.FamilyRowsPage, number: int = NUMBER
) -> None:
    """Write one page."""
    subject.ask(lambda store: store.write_family_rows(family, number, page))


def copy(source: Subject, target: Subject, family: FamilyId, number: int = NUMBER) -> int:
    """Copy all rows; return how many."""
    found = pages(source, family, number)
    for page in found:
        write(target, family, page, number)
    return sum(page.count for page in found)


def sums(subject: Subject, family: FamilyId, number: int = NUMBER) -> Mapping[str, port.RowsSum]:
    """Sum all rows."""
    found, place, begun = dict[str, port.RowsSum](), None, False
    while not begun or place is not None:
        at, so_far, begun = place, found, True
        answer = subject.ask(
            lambda store: store.sum_family_rows(family, number, at, so_far)  # noqa: B023
        )
        found, place = dict(answer.sums), answer.next
    return found


def drop(subject: Subject, family: FamilyId, number: int = NUMBER) -> int:
    """Drop all rows; return in how many pieces."""
    pieces = 1
    while subject.ask(lambda store: store.drop_family_rows(family, number)):
        pieces += 1
    return pieces

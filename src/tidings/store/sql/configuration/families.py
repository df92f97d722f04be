"""Which families of orgs are here, as rows; and in memory, for every commit asks it.

Nobody but the writer changes the rows, so what it holds of them is what the store has. After a
transaction that was taken back, or whose end is not known, they are read again.

A schema before has no table for them (schema 3 of PostgreSQL, on which this release serves too):
there, every family is here and none moves. A release before makes no rows: a start makes up for it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import (
    FIRST_NUMBER,
    CellId,
    FamilyId,
    FamilyMove,
    FamilyRow,
    FamilyState,
    after_restore,
    move_row,
    not_mine,
)
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import ColumnCodec, StoredTable

_FAMILY = StoredTable("family", FamilyRow, {"state": ColumnCodec(FamilyState, int)})
_ALL = f"{_FAMILY.select} ORDER BY family"
_PUT = _FAMILY.upsert("family")
_ROOTS = "SELECT id FROM org WHERE parent IS NULL ORDER BY id"
_PARENT = "SELECT parent FROM org WHERE id = ?"


class FamilyRows:
    """Shares the writer's connection."""

    def __init__(
        self,
        connection: StoreConnection,
        after_step: Callable[[port.FamilyStep, bool], None] = lambda *_: None,
    ) -> None:
        """`after_step` does what belongs to a step of a family, in its transaction: it is given
        whether any family arrives from then on."""
        self._connection = connection
        self._after_step = after_step
        self._is_there = connection.has_table(_FAMILY.name)
        self._known: dict[FamilyId, FamilyRow] | None = None  # None: to be read again
        self._are_all_here = True
        self._emptied: frozenset[int] = frozenset()
        self._fill()

    @property
    def are_all_here(self) -> bool:
        """Return whether no row in the store is of a family that is another cell's, or on its
        way. Of one that is emptied there is none."""
        return self._known is not None and self._are_all_here

    @property
    def are_none_away(self) -> bool:
        """Return whether no family that this store knows of is another cell's, or on its way."""
        return self.are_all_here and not self._emptied

    def forget(self) -> None:
        """Forget a transaction that was rolled back: what it had changed here is not so."""
        self._known = None

    def away(self, judged: Sequence[port.JudgedFamily]) -> Sequence[FamilyId]:
        """List those of a batch's families that its commit must not hold, in order."""
        begins = [(family.family, family.number) for family in judged if family.begins]
        settles = [(family.family, family.number) for family in judged if not family.begins]
        return sorted(not_mine(self._rows, begins, settles))

    def begin(self, org: OrgId) -> None:
        """Note, in the transaction that writes it, an org without a parent: it is a family, from
        now on or as before. FamilyAway: it is one that is not here."""
        family = FamilyId(org)
        known = self._rows.get(family)
        if known is not None and known.state is FamilyState.HERE:
            return
        row = move_row(known, FamilyMove.CREATE, family=family, number=FIRST_NUMBER)
        if row is None:
            raise port.FamilyAway.of(known)
        self._put(row)

    def must_be_here(self, orgs: Iterable[int], *, ends: bool = False) -> None:
        """Raise FamilyAway where one of these orgs is of a family that is not here. With `ends`,
        what is asked comes of something that has begun here: it may be leaving. An org that nobody
        knows is of no family, as the platform."""
        suspects = {*orgs}
        if self.are_all_here:
            suspects &= self._emptied
        for org in suspects:
            row = self._rows.get(self.family_of(org))
            if row is None or row.state is FamilyState.HERE:
                continue
            if not (ends and row.state is FamilyState.LEAVING):
                raise port.FamilyAway.of(row)

    def must_not_be_copied(self, orgs: Iterable[int]) -> None:
        """Raise FamilyAway where the rows of one of these orgs are copied to another cell: what is
        changed of them here would not be so there."""
        for org in {*orgs}:
            row = self._rows.get(self.family_of(org))
            if row is not None and row.state in (FamilyState.SEALED, FamilyState.RETURNING):
                raise port.FamilyAway.of(row)

    def is_here(self, org: int, /) -> bool:
        """Return whether the family of an org is here."""
        try:
            self.must_be_here((org,))
        except port.FamilyAway:
            return False
        return True

    def are_here(self, orgs: Iterable[int]) -> bool:
        """Return whether the families of all these orgs are here."""
        return self.are_none_away or all(map(self.is_here, orgs))

    def must_copy_nothing(self) -> None:
        """Raise FamilyAway while a family is copied to another cell or from one: what goes through
        the rows of all orgs waits for its end."""
        if (row := self._copied()) is not None:
            raise port.FamilyAway.of(row)

    def is_copied(self) -> bool:
        """Return whether a family is copied to another cell or from one."""
        return self._copied() is not None

    def _copied(self) -> FamilyRow | None:
        if self.are_all_here:
            return None
        states = (FamilyState.SEALED, FamilyState.ARRIVING)
        return next((row for row in self._rows.values() if row.state in states), None)

    def family_of(self, org: int) -> FamilyId:
        """Return the family of an org, by the parents that are stored."""
        above: int | None = org
        while above is not None:
            org = above
            row = self._connection.execute(_PARENT, (org,)).fetchone()
            above = None if row is None else row[0]
        return FamilyId(org)

    @answers(port.Store.move_family)
    def move(self, step: port.FamilyStep) -> port.FamilyReceipt:
        """See `port.FamilyStore.move_family`."""
        known = self._rows.get(step.family)
        row = move_row(known, step.move, family=step.family, number=step.number, other=step.other)
        if row is None or not self._is_there:
            return port.FamilyReceipt(known, changed=False)
        if step.move is FamilyMove.BEGIN and self.family_of(step.family) != step.family:
            return port.FamilyReceipt(known, changed=False)  # it has ended as a family
        try:
            with self._connection:
                self._put(row)
                self._after_step(step, self._has(FamilyState.ARRIVING))
        except BaseException:
            self.forget()
            raise
        return port.FamilyReceipt(row, changed=True)

    @answers(port.Store.family_row)
    def row(self, family: FamilyId) -> FamilyRow | None:
        """See `port.FamilyStore.family_row`."""
        return self._rows.get(family)

    @answers(port.Store.families)
    def all(self) -> Sequence[FamilyRow]:
        """See `port.FamilyStore.families`."""
        return sorted(self._rows.values(), key=lambda row: row.family)

    # -- inside -----------------------------------------------------------------------------------

    @property
    def _rows(self) -> dict[FamilyId, FamilyRow]:
        if (known := self._known) is None:
            known = self._known = self._read()
            self._note_states(known)
        return known

    def _has(self, state: FamilyState) -> bool:
        return not self.are_all_here and any(row.state is state for row in self._rows.values())

    def _read(self) -> dict[FamilyId, FamilyRow]:
        if not self._is_there:
            return {row.family: row for row in map(_first, self._roots())}
        rows = [_FAMILY.read(row) for row in self._connection.execute(_ALL).fetchall()]
        return {row.family: row for row in rows}

    def _roots(self) -> list[FamilyId]:
        return [family for (family,) in self._connection.execute(_ROOTS).fetchall()]

    def _fill(self) -> None:
        """Write the rows that a release before has not."""
        known = self._rows
        made = [_first(family) for family in self._roots() if family not in known]
        if made:
            with self._connection:
                self._connection.executemany(_PUT, [_FAMILY.write(row) for row in made])
            known.update((row.family, row) for row in made)

    def _put(self, row: FamilyRow) -> None:
        """Write a row, in a transaction, and have it in memory."""
        rows = self._rows
        if self._is_there:
            self._connection.execute(_PUT, _FAMILY.write(row))
        rows[row.family] = row
        self._note_states(rows)

    def _note_states(self, rows: Mapping[FamilyId, FamilyRow]) -> None:
        states = {row.state for row in rows.values()}
        self._are_all_here = states <= {FamilyState.HERE, FamilyState.EMPTIED}
        self._emptied = frozenset(
            row.family for row in rows.values() if row.state is FamilyState.EMPTIED
        )


def read_families(connection: StoreConnection) -> dict[FamilyId, FamilyRow]:
    """Read the rows of a store that others may own, without what a start would make up for."""
    rows = {}
    if connection.has_table(_FAMILY.name):
        rows = {row.family: row for row in map(_FAMILY.read, connection.execute(_ALL).fetchall())}
    roots = [FamilyId(family) for (family,) in connection.execute(_ROOTS).fetchall()]
    return {family: _first(family) for family in roots} | rows


def follow_places(
    connection: StoreConnection, placed: Mapping[FamilyId, FamilyPlace], here: CellId
) -> Sequence[FamilyId]:
    """Have a store that comes from a backup, and that nobody owns yet, be without the families that
    have gone to other cells since, as these places say; return them. In a transaction."""
    gone = []
    for family, row in read_families(connection).items():
        following = after_restore(row, placed.get(family), here)
        if following is not None:
            connection.execute(_PUT, _FAMILY.write(following))
            gone.append(family)
    return gone


def _first(family: FamilyId) -> FamilyRow:
    """Return the row of a family that has never moved."""
    return FamilyRow(family, FamilyState.HERE, FIRST_NUMBER)

"""The directory: whose it is what opens something, by digest."""

from collections.abc import Collection, Iterable, Sequence

from tidings.core.cells.directory import Opener, may_register
from tidings.core.cells.families import FamilyId
from tidings.store.cell_map.tables import OPENER, OpenerRow
from tidings.store.cell_map.transactions import MapTransactions

_OF_DIGEST = f"{OPENER.select} WHERE digest = ?"
_FAMILIES = "SELECT DISTINCT family FROM directory ORDER BY family"
_PUT = OPENER.insert()
_REMOVE = "DELETE FROM directory WHERE digest = ? AND kind = ? AND family = ?"
_OF_FAMILY = (
    f"{OPENER.select} WHERE family = ? AND digest > ? AND made_ms < ? ORDER BY digest, kind LIMIT ?"
)


class OpenerRows:
    """Adds and finds what opens something. One by one, so that two families never get the same."""

    def __init__(self, transactions: MapTransactions) -> None:
        self._transactions = transactions
        self._connection = transactions.connection

    def find(self, digest: bytes) -> Sequence[Opener]:
        """See `CellMapStore.find_openers`."""
        with self._transactions.reading():
            return self._of(digest)

    def families(self) -> Sequence[FamilyId]:
        """List the families of which something is in the directory."""
        with self._transactions.reading():
            return [FamilyId(family) for (family,) in self._connection.execute(_FAMILIES)]

    def add(self, openers: Iterable[tuple[bytes, Opener]], now_ms: int) -> bool:
        """See `CellMapStore.add_openers`."""
        with self._transactions.changing():
            added = self._added(openers, now_ms, frozenset())
            if added is None:
                return False
            self._connection.executemany(_PUT, [OPENER.write(row) for row in added])
        return True

    def rehome(
        self,
        former: Iterable[tuple[bytes, Opener]],
        openers: Iterable[tuple[bytes, Opener]],
        now_ms: int,
    ) -> bool:
        """See `CellMapStore.rehome_openers`. Asked again, it is done already."""
        gone = frozenset(former)
        with self._transactions.changing():
            added = self._added(openers, now_ms, gone)
            if added is None:
                return False
            for digest, opener in gone:
                self._connection.execute(_REMOVE, (digest, opener.kind.value, opener.family))
            self._connection.executemany(_PUT, [OPENER.write(row) for row in added])
        return True

    def remove(self, openers: Iterable[tuple[bytes, Opener]]) -> None:
        """See `CellMapStore.remove_openers`."""
        with self._transactions.changing():
            for digest, opener in openers:
                self._connection.execute(_REMOVE, (digest, opener.kind.value, opener.family))

    def of_family(
        self, family: FamilyId, behind: bytes, before_ms: int, limit: int
    ) -> Sequence[tuple[bytes, Opener]]:
        """See `CellMapStore.list_openers`."""
        with self._transactions.reading():
            asked = (family, behind, before_ms, limit)
            rows = self._connection.execute(_OF_FAMILY, asked).fetchall()
            found = [OPENER.read(row) for row in rows]
        return [(row.digest, Opener(row.kind, row.family)) for row in found]

    def _added(
        self,
        openers: Iterable[tuple[bytes, Opener]],
        now_ms: int,
        gone: Collection[tuple[bytes, Opener]],
    ) -> list[OpenerRow] | None:
        """Return the rows that are missing, once some are gone; None where one may not be."""
        added: list[OpenerRow] = []
        for digest, opener in openers:
            known = [found for found in self._of(digest) if (digest, found) not in gone]
            known += [Opener(row.kind, row.family) for row in added if row.digest == digest]
            if not may_register(known, opener):
                return None
            if opener not in known:
                added.append(
                    OpenerRow(digest=digest, kind=opener.kind, family=opener.family, made_ms=now_ms)
                )
        return added

    def _of(self, digest: bytes) -> list[Opener]:
        rows = self._connection.execute(_OF_DIGEST, (digest,)).fetchall()
        return [Opener(row.kind, row.family) for row in map(OPENER.read, rows)]

"""A copy of one store into another: the order of its steps, any of which a kill may follow.

1. The target is marked as a copy that is not whole, then the source as one that is being copied:
   neither starts any more, so nothing changes in either but by this.
2. Rows are passed on, page by page in the order of each table's key. With each page its last key is
   written, so the next run goes on behind it. No commit waits for a disk.
3. What a new store has of its own is replaced, and numbers go on above those of the source. That
   commit is synced, and all before it.
4. Both stores are read to their ends, and each table compared.
5. The source is left; then the target is whole. Only a target that is whole starts.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import msgspec

from tidings.store import port
from tidings.store.copying.plan import FACTS, TablePlan
from tidings.store.copying.refusals import naming_refusals
from tidings.store.copying.sides import CopyRefused, StoreSecrets, StoreSide
from tidings.store.copying.table_rows import Row, TableRows, TableSum
from tidings.store.copying.transitions import CopyStep, next_step
from tidings.store.sql.configuration.key_check import KEY_CHECK, KeyCheckRow, read_key_check
from tidings.store.sql.configuration.snapshot import KEPT_KEY
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.copy_marks import CopyMark, CopySide, put_mark, read_mark
from tidings.store.sql.facts.meta import LINEAGE, TABLES
from tidings.store.sql.row_mapping import StoredTable

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much


class CopyProgress(NamedTuple):
    """The progress of a table. `last`: the key of its last row, packed."""

    name: str
    last: bytes | None
    ended: int


class CopyReport(NamedTuple):
    """The outcome of a copy: the rows of the target, of how many tables, and those that this run
    has passed on."""

    tables: int
    rows: int
    copied: int


class CopiedStore(NamedTuple):
    """One of the two stores, with what opens its secrets."""

    side: StoreSide
    secrets: StoreSecrets

    def table(self, plan: TablePlan) -> TableRows:
        """Return the rows of a table."""
        return TableRows(plan, self.side.connection, self.secrets)

    def kept(self) -> list[port.KeptKey]:
        """Read the keys that it keeps."""
        rows = self.side.connection.execute(KEPT_KEY.select).fetchall()
        return [KEPT_KEY.read(row) for row in rows]

    def keys(self) -> dict[bytes, bytes]:
        """Return the key of each purpose."""
        return dict(self.secrets.keys(self.kept()))


_PROGRESS = StoredTable("copy_progress", CopyProgress)
_PUT_PROGRESS = _PROGRESS.upsert("name")
_OWN_FACTS = (KEY_CHECK, LINEAGE, TABLES)
_STOPPED = "SELECT value FROM meta WHERE key = 'clean_stop'"


def holds_nothing(plans: Sequence[TablePlan], connection: StoreConnection) -> bool:
    """Return whether a store has no rows but those that a new one has."""
    return not any(
        connection.execute(f"SELECT 1 FROM {plan.name} LIMIT 1").fetchall()
        for plan in plans
        if plan.name not in FACTS
    )


class StoreCopy:
    """One run of a copy."""

    def __init__(
        self,
        source: CopiedStore,
        target: CopiedStore,
        plans: Sequence[TablePlan],
        options: str,
        progress: Progress,
    ) -> None:
        """`options`: those of the command, for whoever has to give it again."""
        self._source = source
        self._target = target
        self._plans = plans
        self._options = options
        self._progress = progress
        self._from, self._into = source.side.connection, target.side.connection
        self._copied = 0
        self._is_begun = False  # the source starts no more

    def run(self) -> CopyReport:
        """Copy, compare, and have the target take the place of the source. Raise CopyRefused,
        StoreDown."""
        with self._naming(self._target, self._source):
            return self._run()

    def _run(self) -> CopyReport:
        is_empty = holds_nothing(self._plans, self._into)
        step = next_step(read_mark(self._from), read_mark(self._into), is_empty)
        self._is_begun = step is not CopyStep.BEGIN
        if step is CopyStep.BEGIN:
            self._begin()
        if step in (CopyStep.BEGIN, CopyStep.RESUME):
            with self._into.unsynced():
                for plan in self._plans:
                    if plan.name not in FACTS:
                        self._copy_table(plan)
            self._replace_facts()
            self._compare()
            self._leave_source()
        if step is not CopyStep.NOTHING:
            self._make_whole()
        rows = sum(self._target.table(plan).count() for plan in self._plans)
        return CopyReport(len(self._plans), rows, self._copied)

    # -- the steps --------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Refuse what cannot be copied, and mark both stores."""
        [(clean,)] = self._from.execute(_STOPPED).fetchall()
        if not clean:
            raise CopyRefused(
                f"{self._source.side.name} must have been stopped in order, so that it is known "
                "what was sent; it was not. Start it once with `tidings serve --hold`, and stop it."
            )
        # Only a start can tell by the audit log whether a key is the right one.
        if read_key_check(self._from) is None:
            raise CopyRefused(
                f"{self._source.side.name} must have been started by this release, so that its key "
                "is known; it was not. Start it once with `tidings serve --hold`, and stop it."
            )
        for plan in self._plans:
            self._source.table(plan).open_first()
        self._source.keys()
        copy = uuid.uuid4().hex
        with self._into:
            self._into.execute(f"DELETE FROM {_PROGRESS.name}")  # of a copy that was given up
            put_mark(self._into, self._mark(copy, CopySide.ARRIVING, self._source))
            KeyCheckRow(self._into).put(self._target.secrets.check())  # it goes on with no other
        self._progress("marking the target", 1, 1)
        with self._naming(self._source):
            put_mark(self._from, self._mark(copy, CopySide.LEAVING, self._target))
        self._is_begun = True
        self._progress("marking the source", 1, 1)

    def _copy_table(self, plan: TablePlan) -> None:
        rows, into = self._source.table(plan), self._target.table(plan)
        progress = self._progress_of(plan)
        if progress.ended:
            return
        after = None if progress.last is None else msgspec.msgpack.decode(progress.last)
        of, done = rows.count(), into.count()
        for page in self._named_pages(self._source, rows.pages(after)):
            last = msgspec.msgpack.encode(rows.key_of(page[-1]))
            with self._into:
                into.insert(page)
                self._note(progress._replace(last=last))
            done += len(page)
            self._copied += len(page)
            self._source.side.renew()
            self._progress(f"copying {plan.name}", done, of)
        self._note(progress._replace(last=None, ended=1))
        self._progress(f"copied {plan.name}", 1, 1)

    def _replace_facts(self) -> None:
        """Replace what a new store has of its own: its facts, its id, its keys, its numbers."""
        self._target.side.raise_numbers(self._source.side.numbers())
        keys = self._target.secrets.keep(self._source.keys())
        with self._into:
            for plan in self._plans:
                if plan.name in FACTS:
                    self._into.execute(f"DELETE FROM {plan.name}")
                    for page in _without_own_facts(plan, self._source.table(plan).pages()):
                        self._target.table(plan).insert(page)
            self._into.execute(f"DELETE FROM {KEPT_KEY.name}")
            for key in keys:
                self._into.execute(KEPT_KEY.insert(), KEPT_KEY.write(key))
            KeyCheckRow(self._into).put(self._target.secrets.check())
        self._progress("replacing the facts", 1, 1)

    def _compare(self) -> None:
        """Read both stores to their ends. Raise CopyRefused where they are not the same."""
        wrong = []
        for plan in self._plans:
            of = 2 * self._source.table(plan).count()
            left = self._sum(plan, self._source, 0, of)
            if left != self._sum(plan, self._target, left.rows, of):
                wrong.append(plan.name)
        if read_key_check(self._into) != self._target.secrets.check():
            wrong.append("what its key is known by")
        if self._source.keys() != self._target.keys():
            wrong.append(KEPT_KEY.name)
        given = self._target.side.numbers()
        for table, number in self._source.side.numbers().items():
            if given.get(table, number) < number:
                wrong.append(f"the numbers of {table}")
        if wrong:
            raise CopyRefused(
                f"The copy must be the same as its source; it differs in {', '.join(wrong)}. The "
                "source is as it was: give the copy up with `tidings store take-back "
                f"{self._options}`, and report it to the developers."
            )
        self._progress("compared", 1, 1)

    def _leave_source(self) -> None:
        with self._naming(self._source):
            mark = read_mark(self._from)
            assert mark is not None
            put_mark(self._from, mark._replace(side=CopySide.LEFT))
        self._progress("leaving the source", 1, 1)

    def _make_whole(self) -> None:
        mark = read_mark(self._into)
        assert mark is not None
        with self._into:
            self._into.execute(f"DELETE FROM {_PROGRESS.name}")
            put_mark(self._into, mark._replace(side=CopySide.ARRIVED))
        self._progress("making the target whole", 1, 1)

    # -- their parts ------------------------------------------------------------------------------

    def _mark(self, copy: str, side: CopySide, other: CopiedStore) -> CopyMark:
        return CopyMark(copy=copy, side=side, other=other.side.name, options=self._options)

    def _progress_of(self, plan: TablePlan) -> CopyProgress:
        found = self._into.execute(f"{_PROGRESS.select} WHERE name = ?", (plan.name,)).fetchall()
        return _PROGRESS.read(found[0]) if found else CopyProgress(plan.name, None, 0)

    def _note(self, progress: CopyProgress) -> None:
        self._into.execute(_PUT_PROGRESS, _PROGRESS.write(progress))

    def _sum(self, plan: TablePlan, store: CopiedStore, before: int, of: int) -> TableSum:
        total = TableSum()
        pages = self._named_pages(store, store.table(plan).pages())
        for page in self._renewing(_without_own_facts(plan, pages)):
            total = total.with_page(page)
            self._progress(f"comparing {plan.name}", before + total.rows, of)
        return total

    def _naming(self, *stores: CopiedStore) -> AbstractContextManager[None]:
        return naming_refusals(self._remedy, *(store.side for store in stores))

    def _named_pages(self, store: CopiedStore, pages: Iterator[list[Row]]) -> Iterator[list[Row]]:
        with self._naming(store):
            yield from pages

    def _remedy(self) -> str:
        """Say what is done once a store has room: nothing of its source is changed but its mark."""
        if not self._is_begun:
            return "run the command again. The source is as it was, and may start."
        return (
            "run the command again: it goes on where it stopped. To have the source serve again "
            f"instead, as it was, run `tidings store take-back {self._options}`."
        )

    def _renewing(self, pages: Iterator[list[Row]]) -> Iterator[list[Row]]:
        for page in pages:
            self._source.side.renew()
            self._target.side.renew()
            yield page


def _without_own_facts(plan: TablePlan, pages: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """Leave out by what a store knows its key and its database: the other one has others."""
    if plan.name != "meta":
        return pages
    key = plan.columns.index("key")
    return ([row for row in page if row[key] not in _OWN_FACTS] for page in pages)
